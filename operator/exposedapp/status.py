"""Pure: from everything that was observed to the app's status.

Nothing here talks to anyone. A status that says the same as the previous one is equal to it, times
of transition included, so "is there anything to write" is a comparison.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from exposedapp import nodes
from exposedapp.api import (
    Condition,
    ConditionStatus,
    EndpointsStatus,
    ExposedAppSpec,
    ExposedAppStatus,
    NodesStatus,
    PortStatus,
)
from exposedapp.nodes import Node
from exposedapp.pods import POD_REASONS
from exposedapp.reasons import ChildKind, Problem, Reason, Trouble
from exposedapp.resources import Identity, selector_string
from exposedapp.schema import Json


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One pod behind the Service, from its EndpointSlices."""

    pod: str
    ready: bool
    terminating: bool


@dataclass(frozen=True, slots=True)
class Observed:
    """All that a status is made of."""

    app: Identity
    generation: int
    spec: ExposedAppSpec | None
    """None when it could not be parsed; then there is a problem that says why."""
    previous: ExposedAppStatus
    deployment: Json | None
    service: Json | None
    endpoints: Sequence[Endpoint]
    nodes: Iterable[Node]
    trouble: Trouble | None
    """What the pods say; they are asked only while the Deployment is not as wanted."""
    problems: Sequence[Problem]
    waiting: Mapping[ChildKind, str]
    """What must happen before a child can be made, such as the removal of an older one."""
    now: str
    """The time as Kubernetes writes it, for transitions."""


def compute(seen: Observed) -> ExposedAppStatus:
    """The status that follows from what was observed."""
    workload, service = _workload(seen), _service(seen)
    addresses = _addresses(seen)
    deployed = (seen.deployment or {}).get("status") or {}
    ready_endpoints = {it.pod for it in seen.endpoints if it.ready}
    standing_endpoints = {it.pod for it in seen.endpoints if not it.terminating}
    return ExposedAppStatus(
        observed_generation=seen.generation,
        **addresses,
        replicas=deployed.get("replicas", 0),
        ready_replicas=deployed.get("readyReplicas", 0),
        selector=selector_string(seen.app.name),
        endpoints=EndpointsStatus(
            ready=len(ready_endpoints), total=len(standing_endpoints | ready_endpoints)
        ),
        conditions=_conditions(seen, workload, service, addresses["nodes"]),
    )


def changes(old: ExposedAppStatus, new: ExposedAppStatus) -> Json:
    """What must be written to get from one status to the other, as a merge patch.

    How many nodes could be listed is never a reason to write: on a large cluster every node that
    comes or goes would otherwise touch every app.
    """
    before, after = _as_json(old), _as_json(new)
    fields = before.keys() | after.keys()
    found = {key: after.get(key) for key in fields if before.get(key) != after.get(key)}
    same_listed = old.nodes and new.nodes and old.nodes.listed == new.nodes.listed
    return {} if same_listed and found.keys() == {"nodes"} else found


def is_urgent(old: ExposedAppStatus, new: ExposedAppStatus) -> bool:
    """Whether a new status must be written at once, rather than with what else changes soon.

    What people and programs wait for is urgent; counts and messages are not.
    """
    return _urgent_part(old) != _urgent_part(new)


def is_reconciling(status: ExposedAppStatus) -> bool:
    """Whether pods or objects are on their way to what is wanted."""
    return any(it.type == "Reconciling" for it in status.conditions or ())


def tells_pod_trouble(status: ExposedAppStatus, generation: int) -> bool:
    """Whether the status names, for this spec, something that only the pods can have said."""
    ready = summary(status)
    return (
        ready is not None
        and ready.observed_generation == generation
        and ready.reason in POD_REASONS
    )


def summary(status: ExposedAppStatus) -> Condition | None:
    """The condition Ready, when there is one."""
    return next((it for it in status.conditions or () if it.type == "Ready"), None)


# --- judgements ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Verdict:
    """A condition without its type and times."""

    status: ConditionStatus
    reason: str
    message: str

    @property
    def good(self) -> bool:
        return self.status == "True"


def _workload(seen: Observed) -> _Verdict:
    """Whether the pods are as wanted, by the same rules as `kubectl rollout status`."""
    if problem := _problem(seen, "Deployment"):
        return _Verdict("False", problem.reason, problem.message)
    if waiting := seen.waiting.get("Deployment"):
        return _Verdict("False", Reason.PROGRESSING, waiting)
    if seen.deployment is None:
        return _Verdict("False", Reason.PROGRESSING, "There is no Deployment yet.")
    wanted = seen.deployment["spec"].get("replicas", 1)
    if wanted == 0:
        return _Verdict("True", Reason.SCALED_TO_ZERO, "No pods are wanted.")
    if rollout_complete(seen.deployment):
        return _Verdict("True", Reason.AVAILABLE, f"{wanted} of {wanted} pods are ready.")
    status = seen.deployment.get("status") or {}
    ready = min(status.get("readyReplicas", 0), wanted)
    message = f"{ready} of {wanted} pods are ready."
    if trouble := seen.trouble or _rollout_trouble(status.get("conditions") or ()):
        return _Verdict("False", trouble.reason, f"{message} {trouble.message}".strip())
    return _Verdict("False", Reason.PROGRESSING, message)


def _service(seen: Observed) -> _Verdict:
    """Whether the Service is there and has the pods behind it."""
    if problem := _problem(seen, "Service"):
        return _Verdict("False", problem.reason, problem.message)
    if waiting := seen.waiting.get("Service"):
        return _Verdict("False", Reason.PROGRESSING, waiting)
    if seen.service is None:
        return _Verdict("False", Reason.PROGRESSING, "There is no Service yet.")
    wanted = seen.spec.replicas if seen.spec else 0
    ready = len({it.pod for it in seen.endpoints if it.ready})
    if wanted == 0:
        return _Verdict("True", Reason.SCALED_TO_ZERO, "The Service is there; no pods are wanted.")
    if ready < wanted:
        return _Verdict(
            "False", Reason.PROGRESSING, f"{ready} of {wanted} pods get traffic from the Service."
        )
    return _Verdict("True", Reason.AVAILABLE, f"{wanted} of {wanted} pods get traffic.")


def _ready(
    seen: Observed, workload: _Verdict, service: _Verdict, counts: NodesStatus | None
) -> _Verdict:
    """The sum, in the order in which a person would want to be told."""
    if seen.problems:
        first = seen.problems[0]
        return _Verdict("False", first.reason, first.message)
    if workload.reason == Reason.SCALED_TO_ZERO and service.good:
        return _Verdict("True", Reason.SCALED_TO_ZERO, "No pods are wanted; the address is kept.")
    if seen.service is not None and counts is not None and counts.listed == 0:
        return _Verdict("False", Reason.NO_ELIGIBLE_NODE, _why_no_node(seen))
    for part in (workload, service):
        if not part.good:
            return part
    return _Verdict("True", Reason.AVAILABLE, workload.message)


def _conditions(
    seen: Observed, workload: _Verdict, service: _Verdict, counts: NodesStatus | None
) -> list[Condition]:
    ready = _ready(seen, workload, service, counts)
    verdicts = {"Ready": ready, "WorkloadAvailable": workload, "ServiceReady": service}
    # The two below follow kstatus: present only while true (sigs.k8s.io/cli-utils, pkg/kstatus).
    if seen.problems:
        verdicts["Stalled"] = _Verdict("True", ready.reason, ready.message)
    elif not ready.good and ready.reason != Reason.NO_ELIGIBLE_NODE:
        verdicts["Reconciling"] = _Verdict("True", ready.reason, ready.message)
    before = {it.type: it for it in seen.previous.conditions or ()}
    return [
        Condition(
            type=kind,
            status=verdict.status,
            reason=verdict.reason,
            message=verdict.message,
            observed_generation=seen.generation,
            last_transition_time=before[kind].last_transition_time
            if kind in before and before[kind].status == verdict.status
            else seen.now,
        )
        for kind, verdict in verdicts.items()
    ]


def rollout_complete(deployment: Json) -> bool:
    """Whether every pod is of the newest template and available, and no old one is left."""
    status = deployment.get("status") or {}
    wanted = deployment["spec"].get("replicas", 1)
    return status.get("observedGeneration", 0) >= deployment["metadata"]["generation"] and (
        {status.get(key, 0) for key in ("replicas", "updatedReplicas", "availableReplicas")}
        == {wanted}
    )


def _problem(seen: Observed, child: ChildKind) -> Problem | None:
    return next((it for it in seen.problems if it.child in (child, None)), None)


def _rollout_trouble(conditions: Iterable[Json]) -> Trouble | None:
    """What the Deployment itself says when it has no pods that could say it."""
    found = {it["type"]: it for it in conditions}
    if (failure := found.get("ReplicaFailure")) and failure["status"] == "True":
        return Trouble(Reason.FAILED_CREATE, failure.get("message", ""))
    if (progress := found.get("Progressing")) and progress["status"] == "False":
        return Trouble(Reason.DEADLINE, progress.get("message", ""))
    return None


# --- addresses ----------------------------------------------------------------------------------


def _addresses(seen: Observed) -> Json:
    """The fields of the status that say where the app is."""
    if seen.service is None:
        # Without a Service there is no address; the ports stay, so that it gets the same again.
        return {"ports": seen.previous.ports, "nodes": None}
    spec = seen.service["spec"]
    ports = [
        PortStatus(
            name=port.get("name"),
            port=port["port"],
            target_port=port["targetPort"],
            node_port=port.get("nodePort"),
            protocol=port.get("protocol", "TCP"),
        )
        for port in spec["ports"]
    ]
    families = spec.get("ipFamilies") or ["IPv4"]
    eligible = [node for node in seen.nodes if nodes.why_not(node, families) is None]
    listed = nodes.choose(seen.app.uid, eligible)
    hosts = [host for node in listed for host in nodes.hosts(node, families)]
    # The first TCP port is the one a person means, else the first of all.
    main = next((port for port in ports if port.protocol == "TCP"), ports[0])
    best = _urls([main], hosts)
    before = seen.previous.url
    name, namespace = seen.app.name, seen.app.namespace
    return {
        "url": before if before in best else next(iter(best), None),
        "urls": _urls(ports, hosts),
        "nodes": NodesStatus(eligible=len(eligible), listed=len(listed)),
        "ports": ports,
        "cluster_ips": [it for it in spec.get("clusterIPs") or () if it != "None"],
        "cluster_url": f"{nodes.SCHEMES[main.protocol]}://{name}.{namespace}.svc:{main.port}",
        "proxy_path": f"/api/v1/namespaces/{namespace}/services/{name}:{main.port}/proxy/",
    }


def _urls(ports: Sequence[PortStatus], hosts: Sequence[str]) -> list[str]:
    return sorted(
        nodes.url(nodes.SCHEMES[port.protocol], host, port.node_port)
        for port in ports
        for host in hosts
        if port.node_port
    )


def _why_no_node(seen: Observed) -> str:
    families = (seen.service or {}).get("spec", {}).get("ipFamilies") or ["IPv4"]
    counts: dict[str, int] = {}
    for node in seen.nodes:
        if why := nodes.why_not(node, families):
            counts[why] = counts.get(why, 0) + 1
    told = ", ".join(f"{count} {why}" for why, count in sorted(counts.items()))
    return f"No node forwards to the app: {told or 'there are no nodes'}."


def _urgent_part(status: ExposedAppStatus) -> tuple[object, ...]:
    return (
        status.observed_generation,
        status.url,
        status.urls,
        status.ports,
        [(it.type, it.status, it.reason) for it in status.conditions or ()],
    )


def _as_json(status: ExposedAppStatus) -> Json:
    return status.model_dump(mode="json", by_alias=True, exclude_none=True)
