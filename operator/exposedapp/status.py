"""Pure: from everything that was observed to the app's status.

Nothing here talks to anyone. A status that says the same as the previous one is equal to it, times
of transition included, so "is there anything to write" is a comparison.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from exposedapp import nodes
from exposedapp.api import (
    Condition,
    ConditionStatus,
    EndpointsStatus,
    ExposedAppSpec,
    ExposedAppStatus,
    Json,
    NodesStatus,
    PortStatus,
)
from exposedapp.nodes import Node
from exposedapp.resources import CONTAINER_NAME, Identity, selector_string


class Reason(StrEnum):
    """Why Ready is what it is: a closed list, since programs read it."""

    AVAILABLE = "Available"
    SCALED_TO_ZERO = "ScaledToZero"
    NO_ELIGIBLE_NODE = "NoEligibleNode"
    # Under way, or waiting for the pods:
    PROGRESSING = "Progressing"
    IMAGE_PULL = "ImagePullBackOff"
    CONTAINER_CONFIG = "CreateContainerConfigError"
    CRASH_LOOP = "CrashLoopBackOff"
    UNSCHEDULABLE = "Unschedulable"
    FAILED_CREATE = "FailedCreate"
    DEADLINE = "ProgressDeadlineExceeded"
    # Cannot go on without a change somewhere:
    INVALID_SPEC = "InvalidSpec"
    NOT_OWNED = "NotOwned"
    NODE_PORT_CONFLICT = "NodePortConflict"
    NODE_PORTS_EXHAUSTED = "NodePortsExhausted"
    QUOTA_EXCEEDED = "QuotaExceeded"
    FORBIDDEN = "Forbidden"


ChildKind = Literal["Deployment", "Service"]
CHILD_KINDS: tuple[ChildKind, ...] = ("Deployment", "Service")


@dataclass(frozen=True, slots=True)
class Problem:
    """Why the app cannot become what its spec says until somebody changes something."""

    reason: Reason
    message: str
    child: ChildKind | None = None
    """The child that it is about; None: the spec as a whole."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One pod behind the Service, from its EndpointSlices."""

    pod: str
    ready: bool
    terminating: bool


@dataclass(frozen=True, slots=True)
class Trouble:
    """What keeps a pod from starting, in Kubernetes' own words."""

    reason: Reason
    message: str
    pod: str = field(default="", compare=False)

    def same_as(self, other: "Trouble | None") -> bool:
        """Whether it is the same trouble; the kubelet words it anew at every attempt."""
        return other is not None and (self.reason, self.pod) == (other.reason, other.pod)


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
    words = {*WAITING_REASONS.values(), Reason.UNSCHEDULABLE}
    return ready is not None and ready.observed_generation == generation and ready.reason in words


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


# --- pods, while they are not as wanted ---------------------------------------------------------

# What a container may be waiting for, and the one word of the closed list that it goes under.
# Source: kubelet's pkg/kubelet/images/types.go and pkg/kubelet/kuberuntime.
WAITING_REASONS = {
    "ErrImagePull": Reason.IMAGE_PULL,
    "ImagePullBackOff": Reason.IMAGE_PULL,
    "ErrImageNeverPull": Reason.IMAGE_PULL,
    "InvalidImageName": Reason.IMAGE_PULL,
    "ImageInspectError": Reason.IMAGE_PULL,
    "RegistryUnavailable": Reason.IMAGE_PULL,
    "SignatureValidationFailed": Reason.IMAGE_PULL,
    "CreateContainerConfigError": Reason.CONTAINER_CONFIG,
    "CreateContainerError": Reason.CONTAINER_CONFIG,
    "RunContainerError": Reason.CRASH_LOOP,
    "CrashLoopBackOff": Reason.CRASH_LOOP,
}


def pod_trouble(pods: Sequence[Json]) -> Trouble | None:
    """What keeps the newest pod that cannot start from starting; None when all seem well."""
    standing = [it for it in pods if "deletionTimestamp" not in it["metadata"]]
    standing.sort(key=lambda it: str(it["metadata"]["creationTimestamp"]), reverse=True)
    for pod in standing:
        if _template(pod) != _template(standing[0]):
            continue  # of an older spec
        name, status = pod["metadata"]["name"], pod.get("status") or {}
        for container in (
            *(status.get("initContainerStatuses") or ()),
            *(status.get("containerStatuses") or ()),
        ):
            waiting = (container.get("state") or {}).get("waiting") or {}
            if reason := WAITING_REASONS.get(waiting.get("reason", "")):
                return Trouble(reason, _words(name, container, waiting), name)
            if container.get("restartCount") and not container.get("ready"):
                # Between two crashes it runs for a moment, or has just ended.
                crash = {"reason": Reason.CRASH_LOOP}
                return Trouble(Reason.CRASH_LOOP, _words(name, container, crash), name)
        for condition in status.get("conditions") or ():
            if condition["type"] == "PodScheduled" and condition.get("reason") == "Unschedulable":
                return Trouble(Reason.UNSCHEDULABLE, condition.get("message", ""), name)
    return None


def _rollout_trouble(conditions: Iterable[Json]) -> Trouble | None:
    """What the Deployment itself says when it has no pods that could say it."""
    found = {it["type"]: it for it in conditions}
    if (failure := found.get("ReplicaFailure")) and failure["status"] == "True":
        return Trouble(Reason.FAILED_CREATE, failure.get("message", ""))
    if (progress := found.get("Progressing")) and progress["status"] == "False":
        return Trouble(Reason.DEADLINE, progress.get("message", ""))
    return None


def _template(pod: Json) -> str | None:
    """Which version of the Deployment's template a pod was made from."""
    found: str | None = (pod["metadata"].get("labels") or {}).get("pod-template-hash")
    return found


def _words(pod: str, container: Json, waiting: Json) -> str:
    """What Kubernetes says of a waiting container, without what changes at every attempt."""
    last = (container.get("lastState") or {}).get("terminated") or {}
    where = f"Pod {pod}"
    if container.get("name", CONTAINER_NAME) != CONTAINER_NAME:
        where += f", container {container['name']}"
    if waiting["reason"] == "CrashLoopBackOff" and last:
        said = (last.get("message") or "").strip()
        ended = f"{last.get('reason', 'Error')}, exit code {last.get('exitCode')}"
        return f"{where}: the container keeps ending ({ended}){': ' + said if said else ''}"
    return f"{where}: {waiting.get('message') or waiting['reason']}"


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
