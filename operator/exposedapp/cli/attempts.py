"""Pure: what the URLs that were tried tell together."""

from collections.abc import Iterable, Sequence

from exposedapp.cli.facts import Attempt, Facts, Outcome
from exposedapp.cli.report import Code, Finding

UNHEARD = {Outcome.TIMED_OUT, Outcome.NO_ROUTE}


def judge(facts: Facts) -> Finding | None:
    """What is wrong; None when every URL that could be tried answers as it should."""
    tried = [it for it in facts.attempts if it.outcome != Outcome.UNTRIED]
    failed = [it for it in tried if it.outcome != Outcome.ANSWERED]
    if not failed:
        return _server_error(tried)
    if lost := [it for it in failed if _lost_its_pod(facts, it)]:
        return _no_pod_on_node(facts, lost)
    outcomes = {it.outcome for it in failed}
    if len(failed) == len(tried) and outcomes <= UNHEARD:
        return _not_routable(facts, failed)
    for outcome, say in (
        (Outcome.UNKNOWN_NAME, _unknown_name),
        (Outcome.TIMED_OUT, _filtered),
        (Outcome.NO_ROUTE, _filtered),
        (Outcome.REFUSED, _refused),
    ):
        if outcome in outcomes:
            return say(facts, [it for it in failed if it.outcome == outcome])
    return _silent(failed)


def port_forward(facts: Facts) -> str:
    """The way in that works wherever kubectl does."""
    ports = ((facts.app or {}).get("spec") or {}).get("ports") or []
    port = next((it["port"] for it in ports if it.get("protocol", "TCP") == "TCP"), 80)
    return (
        f"`kubectl port-forward -n {facts.namespace} service/{facts.name} 8080:{port}`, then "
        "localhost:8080"
    )


def _lost_its_pod(facts: Facts, attempt: Attempt) -> bool:
    policy = ((facts.service or {}).get("spec") or {}).get("externalTrafficPolicy")
    node = facts.nodes.get(attempt.host)
    with_pods = {it.node for it in facts.endpoints if it.ready and not it.terminating}
    return policy == "Local" and node is not None and node not in with_pods


def _no_pod_on_node(facts: Facts, lost: Sequence[Attempt]) -> Finding:
    return Finding(
        Code.NO_POD_ON_NODE,
        f"No ready pod of {facts.name} runs on {_places(facts, lost)}, and with "
        "externalTrafficPolicy Local a node forwards to its own pods only. The operator takes such "
        "a node off the list within seconds; take another URL, or set "
        "spec.service.externalTrafficPolicy to Cluster.",
    )


def _unknown_name(_: Facts, failed: Sequence[Attempt]) -> Finding:
    hosts = _list({it.host for it in failed})
    return Finding(
        Code.UNKNOWN_NAME,
        f"The DNS that this machine asks does not know {hosts}. Look at spec.nodes.host and at "
        "the nodes' names, or add the name to your DNS.",
    )


def _not_routable(facts: Facts, failed: Sequence[Attempt]) -> Finding:
    ports = _list({str(it.port) for it in failed})
    within = "Inside the cluster the app answers. " if _answers_inside(facts) else ""
    return Finding(
        Code.NOT_ROUTABLE,
        f"No address answers from here: {_places(facts, failed)}. {within}Either this machine has "
        "no route to the nodes (another network, a VPN, Docker on a Mac), or a firewall drops TCP "
        f"{ports} at all of them. What works without a route: {port_forward(facts)}. With kind, "
        "extraPortMappings in the cluster's configuration lead from localhost to a node port.",
    )


def _filtered(facts: Facts, failed: Sequence[Attempt]) -> Finding:
    ports = _list({str(it.port) for it in failed})
    well = [it.url for it in facts.attempts if it.outcome == Outcome.ANSWERED]
    instead = f" Until then take {well[0]}." if well else ""
    return Finding(
        Code.FILTERED,
        f"Nothing at all comes back from {_places(facts, failed)}, while other addresses react: "
        "the packets get lost on the way: most likely a firewall (iptables, a security group) "
        f"drops TCP {ports} there, or the node has just gone down. Let TCP {ports} through."
        f"{instead}",
    )


def _refused(facts: Facts, failed: Sequence[Attempt]) -> Finding:
    inside = (
        "Inside the cluster the pods answer, so it is the node that refuses"
        if _answers_inside(facts)
        else "Either the pods refuse, or the node does"
    )
    return Finding(
        Code.REFUSED,
        f"The connection to {_places(facts, failed)} is refused at once. {inside}: kube-proxy does "
        "not forward the port there (it may need a second after a change; `kubectl get pods -n "
        "kube-system -o wide` shows whether it runs), or a firewall rejects it.",
    )


def _silent(failed: Sequence[Attempt]) -> Finding:
    first = failed[0]
    return Finding(
        Code.NO_ANSWER,
        f"{first.url} takes the connection, but no {first.scheme.upper()} comes back within two "
        f"seconds. The network is fine. Either the app is stuck (see `kubectl logs`), or it does "
        f"not speak {first.scheme}: then set appProtocol or scheme of that port in spec.ports.",
    )


def _server_error(tried: Sequence[Attempt]) -> Finding | None:
    for it in tried:
        if it.http_status and it.http_status >= 500:
            return Finding(
                Code.APP_ERROR,
                f"The way in is open, but the app answers {it.url} with HTTP {it.http_status}. "
                "That is the program's own error: see `kubectl logs`.",
            )
    return None


def _answers_inside(facts: Facts) -> bool:
    return bool(facts.targets) and all(it.listens for it in facts.targets)


def _places(facts: Facts, failed: Sequence[Attempt]) -> str:
    """The addresses, with the nodes' names, each once."""
    hosts = {it.host for it in failed}
    return _list(f"{it} ({facts.nodes[it]})" if it in facts.nodes else it for it in hosts)


def _list(words: Iterable[str]) -> str:
    found = sorted(words)
    if len(found) < 2:
        return "".join(found)
    return f"{', '.join(found[:-1])} and {found[-1]}"
