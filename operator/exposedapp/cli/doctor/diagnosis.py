"""Pure: from the facts to where the chain breaks.

resource -> pods -> endpoints -> container port -> Service -> node port -> URLs. Each link gives a
step to show, and a finding when it is broken; the first finding is the diagnosis.
"""

from collections.abc import Callable

from exposedapp.api.meta import Json
from exposedapp.api.service import NODE_PORT_TYPES
from exposedapp.cli.advice import advice
from exposedapp.cli.doctor.facts import Attempt, Facts, Outcome
from exposedapp.cli.doctor.findings import port_forward, unmapped
from exposedapp.cli.doctor.node_report import shorten, unlisted
from exposedapp.cli.doctor.report import Code, Finding, Report, Step
from exposedapp.cli.doctor.url_diagnosis import judge
from exposedapp.cli.doctor.url_groups import out_of_reach, ways_in
from exposedapp.cli.status_view import port_words, verdict
from exposedapp.status.pods import POD_REASONS

MOST_WAYS = 3
"""So many URLs a sentence takes; the steps have all."""

Link = tuple[list[Step], Finding | None]


def diagnose(facts: Facts) -> Report:
    """The chain with its first broken link."""
    if facts.app is None:
        text = f"There is no ExposedApp {facts.name} in namespace {facts.namespace}."
        step = Step("resource", False, f"{facts.name} not found")
        return Report([step], Finding(Code.NO_SUCH_APP, text))
    links = [link(facts, facts.app) for link in LINKS]
    steps = [step for found, _ in links for step in found]
    findings = [finding for _, finding in links if finding]
    return Report(steps, next(iter(findings), None) or _all_is_well(facts, facts.app))


def _resource(facts: Facts, app: Json) -> Link:
    generation = app["metadata"]["generation"]
    answered = (app.get("status") or {}).get("observedGeneration", -1)
    says = verdict(app)
    if "deletionTimestamp" in app["metadata"]:
        text = f"{facts.name} is being deleted, and its pods and Service with it."
        return _broken("resource", "being deleted", Code.BEING_DELETED, text)
    if answered < generation:
        last = f"answered generation {answered}" if answered > 0 else "never answered"
        return _broken(
            "resource",
            f"generation {generation}, and the operator has {last}",
            Code.OPERATOR_SILENT,
            f"The operator has not answered generation {generation} of {facts.name}: it has {last}."
            " Look whether it runs: `kubectl get pods -A -l app.kubernetes.io/name=exposedapp`, "
            "and what its log says.",
        )
    if says.stalled:
        text = f"{facts.name} cannot become what its spec says. {_told(facts, app)}"
        return _broken("resource", says.reason, Code.STALLED, text)
    words = "Ready" if says.ready else "not Ready"
    return [
        Step("resource", True, f"generation {generation} answered: {words}, {says.reason}")
    ], None


def _pods(facts: Facts, app: Json) -> Link:
    if _type(app) == "ExternalName":
        return [Step("pods", None, "none: ExternalName")], None
    if app["spec"].get("image") and app["spec"].get("replicas") == 0:
        text = (
            f"{facts.name} has spec.replicas 0, so nothing runs and nothing answers; the address "
            f"is kept. Start it: `kubectl scale -n {facts.namespace} xapp/{facts.name} "
            "--replicas=1`."
        )
        return _broken("pods", "none wanted", Code.SCALED_TO_ZERO, text)
    ready = [it for it in facts.pods if it.ready]
    counted = f"{len(ready)} of {len(facts.pods)} ready"
    if ready:
        return [Step("pods", True, counted)], None
    words = next((it.words for it in facts.pods if it.words), "")
    if not facts.pods and app["spec"].get("selector"):
        labels = ",".join(f"{key}={value}" for key, value in app["spec"]["selector"].items())
        words = f"No pod in namespace {facts.namespace} has the labels {labels} of spec.selector."
    said = [f"No pod of {facts.name} is ready.", _sentence(words), _told(facts, app, words)]
    return _broken("pods", counted, Code.NO_READY_POD, " ".join(filter(None, said)))


def _endpoints(facts: Facts, app: Json) -> Link:
    if _type(app) == "ExternalName":
        return [], None
    ready = {it.pod for it in facts.endpoints if it.ready}
    detail = f"{len(ready)} get traffic" if len(ready) != 1 else "1 gets traffic"
    if ready or facts.service is None:
        return [Step("endpoints", bool(ready), detail)], None
    text = (
        "Pods are ready, but none gets traffic from the Service: either they are ready only just "
        f"now, or the Service's selector is not theirs. Compare `kubectl get service -n "
        f"{facts.namespace} {facts.name} -o wide` with the pods' labels."
    )
    return _broken("endpoints", detail, Code.NO_ENDPOINT, text)


def _container_port(facts: Facts, _: Json) -> Link:
    if not facts.targets:
        return [], None
    deaf = [it for it in facts.targets if it.listens is False]
    if not deaf:
        known = all(it.listens for it in facts.targets)
        numbers = ", ".join(map(str, sorted({it.number for it in facts.targets})))
        words = "listens" if known else "could not be tried from inside"
        return [Step("container port", True if known else None, f"{numbers} {words}")], None
    first = deaf[0]
    text = (
        f"Pod {first.pod} is ready, but nothing in it listens on port {first.number}: inside the "
        "cluster, too, the connection is refused. Set targetPort in spec.ports to the port that "
        "the program listens on (`kubectl logs` may tell it). If it has only just started, give "
        "the app a readinessProbe, so that it gets no traffic before it listens."
    )
    detail = f"{first.number} refused by {first.pod}"
    return _broken("container port", detail, Code.NOTHING_LISTENS, text)


def _service(facts: Facts, app: Json) -> Link:
    if facts.service is None:
        text = f"The Service {facts.name} is not there. {_told(facts, app)}"
        return _broken("service", "not there", Code.NO_SERVICE, text)
    body = facts.service["spec"]
    ports = "; ".join(port_words(it) for it in body.get("ports") or ())
    words = [body["type"], body.get("clusterIP") or body.get("externalName") or "", ports]
    return [Step("service", True, ", ".join(filter(None, words)))], None


def _node_port(facts: Facts, app: Json) -> Link:
    if _type(app) not in NODE_PORT_TYPES:
        return [Step("node port", None, f"none: {_type(app)}")], None
    status = app.get("status") or {}
    if status.get("urls"):
        listed = (status.get("nodes") or {}).get("listed", 0)
        return [Step("node port", True, f"at {listed} node{'s' * (listed != 1)}")], None
    text = f"No node's address leads to {facts.name}. {_told(facts, app)}"
    return _broken("node port", "no node is listed", Code.NO_ELIGIBLE_NODE, text)


def _other_nodes(facts: Facts, app: Json) -> Link:
    """Not a fault by itself: a cluster has nodes that are meant for something else."""
    found = unlisted(facts, app)
    return [Step("not listed", None, f"{shorten(it)}: {why}") for why, it in found.items()], None


def _urls(facts: Facts, _: Json) -> Link:
    beside = out_of_reach(facts)
    steps = [_try(facts, it, meant=it in beside) for it in facts.attempts]
    if facts.left_out:
        steps.append(Step("url", None, f"{facts.left_out} more: not tried"))
    return steps, judge(facts)


def _try(facts: Facts, attempt: Attempt, *, meant: bool) -> Step:
    answered = f"HTTP {attempt.http_status}" if attempt.http_status else str(attempt.outcome)
    node = facts.nodes.get(attempt.host)
    where = f" ({node})" if node else ""
    ok = {Outcome.ANSWERED: True, Outcome.UNTRIED: None}.get(attempt.outcome, False)
    return Step("url", None if meant else ok, f"{attempt.url}{where}: {answered}")


LINKS: tuple[Callable[[Facts, Json], Link], ...] = (
    _resource,
    _pods,
    _endpoints,
    _container_port,
    _service,
    _node_port,
    _other_nodes,
    _urls,
)


def _all_is_well(facts: Facts, app: Json) -> Finding:
    says = verdict(app)
    tried = [it for it in facts.attempts if it.outcome == Outcome.ANSWERED]
    private = out_of_reach(facts)
    answers = "Every URL that was tried from here answers" if tried else "Nothing is broken"
    if private:
        answers = f"Your way in is {' or '.join(ways_in(facts)[:MOST_WAYS])}"
    if not says.ready:
        text = f"{answers}, but {facts.name} is not Ready. {_told(facts, app)}"
        return Finding(Code.NOT_READY, text)
    status = app.get("status") or {}
    if tried:
        text = f"{answers}."
        if private:
            text = (
                f"{answers}; the nodes' own addresses are not routable from here, and need not be. "
                f"{unmapped(facts, app)}"
            ).strip()
        if any(it.outcome == Outcome.UNTRIED for it in facts.attempts):
            text += " Those of UDP and SCTP were not tried: no answer would mean nothing."
    elif facts.attempts:
        text = "The chain is whole. UDP and SCTP were not tried: no answer would mean nothing."
    elif _type(app) == "ExternalName":
        text = f"Pods that ask for {facts.name} get {app['spec']['service']['externalName']}."
    else:
        text = (
            f"The chain is whole. Service type {_type(app)} has no address outside the cluster; "
            f"inside it is {status.get('clusterURL', facts.name)}. "
            f"From here: {port_forward(facts)}."
        )
    return Finding(Code.FINE, text)


def _type(app: Json) -> str:
    return str((app["spec"].get("service") or {}).get("type") or "NodePort")


def _told(facts: Facts, app: Json, pods_said: str = "") -> str:
    """The condition Ready in plain words: what the operator says, and what to do.

    What the pods have said already is not said again.
    """
    says = verdict(app)
    said = f"The operator says {says.reason}: {_sentence(says.message)}"
    if pods_said and says.reason in POD_REASONS:
        said = ""
    return " ".join(filter(None, (said, advice(says.reason, facts.namespace, facts.name))))


def _sentence(text: str) -> str:
    text = text.strip()
    return text if not text or text[-1] in ".!?" else f"{text}."


def _broken(step: str, detail: str, code: Code, text: str) -> Link:
    return [Step(step, False, detail)], Finding(code, text.strip())
