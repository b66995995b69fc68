"""Pure: what is wrong with URLs, in words, and what to do."""

from collections.abc import Iterable, Sequence

from exposedapp.api.meta import Json
from exposedapp.cli import ports
from exposedapp.cli.doctor.facts import Attempt, Facts, Outcome
from exposedapp.cli.doctor.report import Code, Finding
from exposedapp.cli.doctor.url_groups import LOCALHOST, UNHEARD, is_before_nodes, tried, ways_in


def no_pod_on_node(facts: Facts, lost: Sequence[Attempt]) -> Finding:
    """A listed node has lost its pod, and the policy is Local."""
    return Finding(
        Code.NO_POD_ON_NODE,
        f"No ready pod of {facts.name} runs on {_places(facts, lost)}, and with "
        "externalTrafficPolicy Local a node forwards to its own pods only. The operator takes such "
        "a node off the list within seconds; take another URL, or set "
        "spec.service.externalTrafficPolicy to Cluster.",
    )


def unknown_name(_: Facts, failed: Sequence[Attempt]) -> Finding:
    """The host is a name that no address belongs to."""
    hosts = _list({it.host for it in failed})
    return Finding(
        Code.UNKNOWN_NAME,
        f"The DNS that this machine asks does not know {hosts}. Look at spec.nodes.host and at "
        "the nodes' names, or add the name to your DNS.",
    )


def not_routable(facts: Facts, failed: Sequence[Attempt]) -> Finding:
    """Nothing is heard of any address."""
    unheard = [it for it in failed if it.outcome in UNHEARD]
    mapped = [it for it in failed if it not in unheard]
    numbers = _list({str(it.port) for it in unheard})
    app = facts.app or {}
    local = {it.port for it in mapped}
    numbered = ports.tcp_node_ports(app) or [
        ports.AppPort(it, it, "TCP", "http", pinned=False)
        for it in sorted({it.port for it in unheard if it.port})
    ]
    known = local.pop() if len(local) == len(numbered) == 1 else None
    said = [
        f"No address answers from here: {_places(facts, unheard)}.",
        "Inside the cluster the app answers." if _answers_inside(facts) else "",
        "Either this machine has no route to the nodes (another network, a VPN, Docker on a Mac), "
        f"or a firewall drops TCP {numbers} at all of them.",
        _leads_nowhere(mapped) if mapped else "",
        _is_host_right(app, unheard),
        f"What works without a route: {port_forward(facts)}.",
        ports.mappings(numbered, known),
    ]
    return Finding(Code.NOT_ROUTABLE, " ".join(filter(None, said)))


def filtered(facts: Facts, failed: Sequence[Attempt]) -> Finding:
    """Nothing is heard of some addresses."""
    numbers = _list({str(it.port) for it in failed})
    cause = (
        f"the packets get lost on the way: most likely a firewall (iptables, a security group) "
        f"drops TCP {numbers} there, or the node has just gone down. Let TCP {numbers} through."
    )
    if all(is_before_nodes(facts, it) for it in failed):
        cause = (
            f"what stands there before the nodes does not pass TCP {numbers} on. Look at the load "
            "balancer (is it ready, do its health checks succeed, is its address one for here?), "
            f"or at the firewall in front of it, and let TCP {numbers} through."
        )
    return Finding(
        Code.FILTERED,
        f"Nothing at all comes back from {_places(facts, failed)}, while other addresses react: "
        f"{cause}{_instead(facts)}",
    )


def refused(facts: Facts, failed: Sequence[Attempt]) -> Finding:
    """Somebody says no at once: who, and why."""
    own = [it for it in failed if it.host != LOCALHOST]
    if not own:
        return Finding(Code.REFUSED, _leads_nowhere(failed) + _instead(facts))
    inside = (
        "Inside the cluster the pods answer, so it is the node that refuses"
        if _answers_inside(facts)
        else "Either the pods refuse, or the node does"
    )
    return Finding(
        Code.REFUSED,
        f"The connection to {_places(facts, own)} is refused at once. {inside}: kube-proxy does "
        "not forward the port there (it may need a second after a change; `kubectl get pods -n "
        "kube-system -o wide` shows whether it runs), or a firewall rejects it.",
    )


def no_tls(_: Facts, failed: Sequence[Attempt]) -> Finding:
    """HTTPS is asked, and plain HTTP is spoken."""
    first = failed[0]
    return Finding(
        Code.NO_ANSWER,
        f"{first.url} takes the connection, but no HTTPS comes back: the app speaks no TLS there, "
        "but plain HTTP, which it answers. The network is fine. In spec.ports, set appProtocol or "
        "scheme of that port to http (one of them says https now), or let the app speak TLS.",
    )


def silent(failed: Sequence[Attempt]) -> Finding:
    """A connection, and then nothing."""
    first = failed[0]
    docker = (
        " At localhost it is Docker that takes the connection: see also whether the mapping leads "
        "to this app's node port."
        if first.host == LOCALHOST
        else ""
    )
    return Finding(
        Code.NO_ANSWER,
        f"{first.url} takes the connection, but no {first.scheme.upper()} comes back within two "
        f"seconds. The network is fine. Either the app is stuck (see `kubectl logs`), or it does "
        f"not speak {first.scheme}: then set appProtocol or scheme of that port in spec.ports."
        f"{docker}",
    )


def invalid(facts: Facts, attempt: Attempt) -> Finding:
    """What stands in the status is no URL."""
    host = (((facts.app or {}).get("spec") or {}).get("nodes") or {}).get("host")
    field = f"spec.nodes.host ({host})" if host else "the Helm value nodes.host of the operator"
    return Finding(
        Code.INVALID_URL,
        f"{attempt.url} is no valid URL, so nothing can be opened there. Change {field}: write a "
        "DNS name or an IP address alone, without a port, a scheme or brackets; the node port is "
        "put behind it. Else look at scheme and path in spec.ports.",
    )


def server_error(attempts: Sequence[Attempt]) -> Finding | None:
    """The network is fine, the program is not; None when it is, too."""
    for it in attempts:
        if it.http_status and it.http_status >= 500:
            return Finding(
                Code.APP_ERROR,
                f"The way in is open, but the app answers {it.url} with HTTP {it.http_status}. "
                "That is the program's own error: see `kubectl logs`.",
            )
    return None


def unmapped(facts: Facts, app: Json) -> str:
    """What to add when localhost leads to some of the app's ports only."""
    local = [it for it in tried(facts) if it.host == LOCALHOST]
    numbered = ports.tcp_node_ports(app)
    well = [it for it in tried(facts) if it.outcome == Outcome.ANSWERED]
    if len(local) >= len(numbered) or any(it.host != LOCALHOST for it in well):
        return ""
    return (
        f"Of the app's {len(numbered)} TCP ports {len(local)} can be reached like that; the others "
        "need a line of their own in kind's extraPortMappings and in the Helm value portMappings."
    )


def port_forward(facts: Facts) -> str:
    """The way in that works wherever kubectl does."""
    return ports.port_forward(facts.namespace, facts.name, facts.app or {})


def _is_host_right(app: Json, unheard: Sequence[Attempt]) -> str:
    host = ((app.get("spec") or {}).get("nodes") or {}).get("host")
    here = any(it.host == host for it in unheard)
    return (
        f"Look also whether {host} in spec.nodes.host is what leads to the nodes." if here else ""
    )


def _leads_nowhere(mapped: Sequence[Attempt]) -> str:
    """Refused at localhost: nothing of the cluster has been asked yet."""
    places = _list({f"{it.host}:{it.port}" for it in mapped})
    return (
        f"This machine itself refuses {places}, so the mapping leads nowhere: was kind given "
        "extraPortMappings? They work only on the machine that the cluster was made on."
    )


def _instead(facts: Facts) -> str:
    return next((f" Until then take {it}." for it in ways_in(facts)), "")


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
