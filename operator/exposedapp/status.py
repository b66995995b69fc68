"""Pure: from everything that was observed to the app's status.

Nothing here talks to anyone. A status that says the same as the previous one is equal to it, times
of transition included, so "is there anything to write" is a comparison.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from exposedapp.addresses import Addresses, Endpoint
from exposedapp.api import (
    Condition,
    ConditionStatus,
    EndpointsStatus,
    ExposedAppSpec,
    ExposedAppStatus,
)
from exposedapp.labels import Identity, selector_string
from exposedapp.pods import POD_REASONS
from exposedapp.reach import Answers, judge, pick
from exposedapp.reasons import STALLED_REASONS, ChildKind, Problem, Reason, Trouble
from exposedapp.schema import Json


@dataclass(frozen=True, slots=True)
class Observed:
    """All that a status is made of."""

    app: Identity
    generation: int
    spec: ExposedAppSpec | None
    """None when it could not be parsed; then there is a problem that says why."""
    previous: ExposedAppStatus
    pods: Mapping[str, str]
    """The labels by which the app's pods are found; empty when it has none."""
    deployment: Json | None
    service: Json | None
    endpoints: Sequence[Endpoint]
    at: Addresses
    answers: Answers
    waited: float
    """For how many seconds URLs have been tried."""
    trouble: Trouble | None
    """What the pods say; they are asked only while the Deployment is not as wanted."""
    problems: Sequence[Problem]
    waiting: Mapping[ChildKind, str]
    """What must happen before a child can be made, such as the removal of an older one."""
    now: str
    """The time as Kubernetes writes it, for transitions."""

    @property
    def runs_pods(self) -> bool:
        """Whether the pods are the app's own; what is there tells when the spec is not followed."""
        if self.spec is None or self.spec.suspend:
            return self.deployment is not None
        return self.spec.image is not None

    @property
    def suspended(self) -> bool:
        """Whether nothing is to be changed."""
        return self.spec is not None and self.spec.suspend


def compute(seen: Observed) -> ExposedAppStatus:
    """The status that follows from what was observed."""
    at = seen.at
    # The EndpointSlices of a Service that became an ExternalName stay behind.
    counts = _endpoint_counts(seen.endpoints if seen.pods else ())
    deployed = (seen.deployment or {}).get("status") or {}
    if seen.runs_pods:
        replicas, ready = deployed.get("replicas", 0), deployed.get("readyReplicas", 0)
    else:
        replicas, ready = counts.total, counts.ready
    return ExposedAppStatus(
        observed_generation=seen.generation,
        url=pick(at.best, seen.previous.url, seen.answers, known=_was_tried(seen)),
        urls=list(at.urls) or None,
        nodes=at.nodes,
        ports=list(at.ports) or None,
        cluster_ips=list(at.cluster_ips) or None,
        cluster_url=at.cluster_url,
        proxy_path=at.proxy_path,
        load_balancer=at.load_balancer,
        replicas=replicas,
        ready_replicas=ready,
        selector=selector_string(seen.pods) or None,
        endpoints=counts,
        conditions=_conditions(seen),
    )


def _endpoint_counts(endpoints: Sequence[Endpoint]) -> EndpointsStatus:
    ready = {it.pod for it in endpoints if it.ready}
    standing = {it.pod for it in endpoints if not it.terminating}
    return EndpointsStatus(ready=len(ready), total=len(standing | ready))


def changes(old: ExposedAppStatus, new: ExposedAppStatus) -> Json:
    """What must be written to get from one status to the other, as a merge patch.

    How many nodes there are is never a reason to write, neither as a number nor in the words of why
    none is listed: on a large cluster every node that comes or goes would otherwise touch every app
    that does not list it, or that has one host in front of all. The next write takes it along.
    """
    before, after = _as_json(old), _as_json(new)
    fields = before.keys() | after.keys()
    found = {key: after.get(key) for key in fields if before.get(key) != after.get(key)}
    counts_only = (
        old.nodes
        and new.nodes
        and found.keys() <= {"nodes", "conditions"}
        and _uncounted(old) == _uncounted(new)
    )
    return {} if counts_only else found


def _uncounted(status: ExposedAppStatus) -> list[Condition]:
    """The conditions, without how many nodes do not forward for which reason."""
    return [
        it.model_copy(update={"message": NUMBER.sub("", it.message)})
        if it.reason == Reason.NO_ELIGIBLE_NODE
        else it
        for it in status.conditions or ()
    ]


def is_urgent(old: ExposedAppStatus, new: ExposedAppStatus) -> bool:
    """Whether a new status must be written at once, rather than with what else changes soon.

    What people and programs wait for is urgent; counts and messages are not. Another `url` is, and
    so are URLs that the nodes alone have changed: their news were gathered before, and what is gone
    must not stay listed. Where pods decide which nodes are listed (externalTrafficPolicy Local),
    every step of a rollout changes URLs besides the `url`: those can wait for the next step.
    """
    # That the pods are ready is no news while no URL answers; most often one does in a moment.
    parts = ("Ready",) if waits(new) else ALL_PARTS
    return _urgent_part(old, parts) != _urgent_part(new, parts) or _nodes_changed(old, new)


def _nodes_changed(old: ExposedAppStatus, new: ExposedAppStatus) -> bool:
    """Whether URLs came, or went, through the nodes and not through the pods.

    A status does not tell the policy; but pods that move make URLs come and go at once, and pods
    that start or end are counted.
    """
    before, after = set(old.urls or ()), set(new.urls or ())
    one_way = before < after or after < before
    return one_way and _ready_endpoints(old) == _ready_endpoints(new)


def _ready_endpoints(status: ExposedAppStatus) -> int:
    return status.endpoints.ready if status.endpoints else 0


def is_reconciling(status: ExposedAppStatus) -> bool:
    """Whether pods or objects are on their way to what is wanted."""
    return any(it.type == "Reconciling" for it in status.conditions or ())


def waits(status: ExposedAppStatus) -> bool:
    """Whether an answer of the URLs is still waited for."""
    return any(
        it.type == "Reachable" and it.reason == Reason.WAITING_FOR_ANSWER
        for it in status.conditions or ()
    )


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


NUMBER = re.compile(r"\b\d+\b")
MOST_MESSAGE_BYTES = 4_000
"""Of a condition's message as JSON: it may quote long URLs, or what an API server or a container
said. A status of five of them stays below 100 KB, see addresses.py."""
NOT_PROBED = "NotProbed"
ALL_PARTS = (
    "Ready",
    "WorkloadAvailable",
    "ServiceReady",
    "Reachable",
    "Reconciling",
    "Stalled",
)

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
    """Whether the pods are as wanted."""
    if hindrance := _hindrance(seen, "Deployment"):
        return hindrance
    if seen.deployment is not None and seen.runs_pods:
        return _rollout(seen, seen.deployment)
    if seen.runs_pods:
        return _Verdict("False", Reason.PROGRESSING, "There is no Deployment yet.")
    if not seen.pods:
        return _Verdict("True", Reason.AVAILABLE, "The app has no pods of its own.")
    counts = _endpoint_counts(seen.endpoints)
    found = f"{counts.ready} of {counts.total} pods with {selector_string(seen.pods)} are ready."
    if counts.ready:
        return _Verdict("True", Reason.AVAILABLE, found)
    if seen.trouble:
        return _Verdict("False", seen.trouble.reason, f"{found} {seen.trouble.message}".strip())
    return _Verdict("False", Reason.PROGRESSING, found)


def _rollout(seen: Observed, deployment: Json) -> _Verdict:
    """The same for a Deployment's pods, by the rules of `kubectl rollout status`."""
    wanted = deployment["spec"].get("replicas", 1)
    if wanted == 0:
        return _Verdict("True", Reason.SCALED_TO_ZERO, "No pods are wanted.")
    if rollout_complete(deployment):
        return _Verdict("True", Reason.AVAILABLE, f"{wanted} of {wanted} pods are ready.")
    status = deployment.get("status") or {}
    ready = min(status.get("readyReplicas", 0), wanted)
    message = f"{ready} of {wanted} pods are ready."
    if trouble := seen.trouble or _rollout_trouble(status.get("conditions") or ()):
        return _Verdict("False", trouble.reason, f"{message} {trouble.message}".strip())
    updated, surplus = status.get("updatedReplicas", 0), status.get("replicas", 0) - wanted
    if ready == wanted and updated < wanted:
        message += f" {updated} of them are of the newest spec."
    elif ready == wanted and surplus > 0:
        message += f" {surplus} more are to go."
    return _Verdict("False", Reason.PROGRESSING, message)


def _service(seen: Observed) -> _Verdict:
    """Whether the Service is there and has the pods behind it."""
    if hindrance := _hindrance(seen, "Service"):
        return hindrance
    if seen.service is None:
        return _Verdict("False", Reason.PROGRESSING, "There is no Service yet.")
    if not seen.pods:
        target = seen.service["spec"].get("externalName")
        name = f"{seen.app.name}.{seen.app.namespace}.svc"
        return _Verdict("True", Reason.AVAILABLE, f"The name {name} stands for {target}.")
    ready = {it.pod for it in seen.endpoints if it.ready}
    if not seen.runs_pods:
        wanted = max(len(ready), 1)
    elif seen.deployment is not None:
        wanted = seen.deployment["spec"].get("replicas", 1)
    else:
        wanted = seen.spec.replicas if seen.spec else 0
    if wanted == 0:
        return _Verdict("True", Reason.SCALED_TO_ZERO, "The Service is there; no pods are wanted.")
    if len(ready) < wanted:
        message = f"{len(ready)} of {wanted} pods get traffic from the Service."
        return _Verdict("False", Reason.PROGRESSING, message)
    if missing := _missing_port(seen):
        return _Verdict("False", Reason.PROGRESSING, missing)
    return _Verdict("True", Reason.AVAILABLE, f"{len(ready)} of {len(ready)} pods get traffic.")


def _missing_port(seen: Observed) -> str | None:
    """A targetPort by name that no selected pod has: its endpoints then lack that port."""
    if seen.runs_pods or seen.service is None:
        return None
    found = {name for it in seen.endpoints if it.ready for name in it.ports}
    for port in seen.service["spec"].get("ports") or ():
        target = port["targetPort"]
        if isinstance(target, str) and port.get("name", "") not in found:
            return f"No pod has a container port named '{target}', targetPort of {port['port']}."
    return None


def _reachable(seen: Observed, workload: _Verdict) -> _Verdict:
    """Whether the URLs answer, as far as that was tried."""
    if workload.reason == Reason.SCALED_TO_ZERO:
        return _Verdict("Unknown", NOT_PROBED, "No pods are wanted.")
    found = judge(seen.answers, _reachable_before(seen), seen.waited)
    return _Verdict(found.status, found.reason, found.message)


def _reachable_before(seen: Observed) -> Condition | None:
    return next((it for it in seen.previous.conditions or () if it.type == "Reachable"), None)


def _was_tried(seen: Observed) -> bool:
    before = _reachable_before(seen)
    return before is not None and before.status != "Unknown"


def _ready(seen: Observed, workload: _Verdict, service: _Verdict, reachable: _Verdict) -> _Verdict:
    """The sum, in the order in which a person would want to be told."""
    at = seen.at
    if seen.problems:
        first = seen.problems[0]
        return _Verdict("False", first.reason, first.message)
    if workload.reason == Reason.SCALED_TO_ZERO and service.good:
        return _Verdict("True", Reason.SCALED_TO_ZERO, "No pods are wanted; the address is kept.")
    if at.why_no_node and not at.pods_decide:
        return _Verdict("False", Reason.NO_ELIGIBLE_NODE, at.why_no_node)
    for part in (workload, service):
        if not part.good:
            return part
    if at.why_no_node:
        return _Verdict("False", Reason.NO_ELIGIBLE_NODE, at.why_no_node)
    if reachable.reason in (Reason.WAITING_FOR_ANSWER, Reason.UNREACHABLE):
        return _Verdict("False", reachable.reason, reachable.message)
    return _Verdict("True", Reason.AVAILABLE, (workload if seen.pods else service).message)


def _conditions(seen: Observed) -> list[Condition]:
    workload, service = _workload(seen), _service(seen)
    reachable = _reachable(seen, workload)
    ready = _ready(seen, workload, service, reachable)
    if seen.suspended:
        said = f"{ready.message} Suspended: changes wait until spec.suspend is false."
        ready = _Verdict(ready.status, ready.reason, said)
    verdicts = {
        "Ready": ready,
        "WorkloadAvailable": workload,
        "ServiceReady": service,
        "Reachable": reachable,
    }
    # The two below follow kstatus: present only while true (sigs.k8s.io/cli-utils, pkg/kstatus).
    if ready.reason in STALLED_REASONS:
        verdicts["Stalled"] = _Verdict("True", ready.reason, ready.message)
    elif not ready.good and ready.reason not in (Reason.NO_ELIGIBLE_NODE, Reason.UNREACHABLE):
        verdicts["Reconciling"] = _Verdict("True", ready.reason, ready.message)
    before = {it.type: it for it in seen.previous.conditions or ()}
    return [
        Condition(
            type=kind,
            status=verdict.status,
            reason=verdict.reason,
            message=_shortened(verdict.message),
            observed_generation=seen.generation,
            last_transition_time=before[kind].last_transition_time
            if kind in before and before[kind].status == verdict.status
            else seen.now,
        )
        for kind, verdict in verdicts.items()
    ]


def _shortened(message: str) -> str:
    """A message without its end when it is too long. One that was shortened stays as it is."""
    if len(json.dumps(message)) <= MOST_MESSAGE_BYTES:
        return message
    while len(json.dumps(f"{message} ...")) > MOST_MESSAGE_BYTES:
        message = message[: len(message) * 9 // 10]
    return f"{message} ..."


def pods_are_well(seen: Observed) -> bool:
    """Whether there is nothing to ask the pods: all are as wanted, or there are none to ask."""
    if seen.deployment is not None:
        wants_none = seen.deployment["spec"].get("replicas", 1) == 0
        return wants_none or rollout_complete(seen.deployment)
    if seen.runs_pods:
        return True
    return not seen.pods or any(it.ready for it in seen.endpoints)


def rollout_complete(deployment: Json) -> bool:
    """Whether every pod is of the newest template and available, and no old one is left."""
    status = deployment.get("status") or {}
    wanted = deployment["spec"].get("replicas", 1)
    return status.get("observedGeneration", 0) >= deployment["metadata"]["generation"] and (
        {status.get(key, 0) for key in ("replicas", "updatedReplicas", "availableReplicas")}
        == {wanted}
    )


def _hindrance(seen: Observed, child: ChildKind) -> _Verdict | None:
    """Why a child is not as wanted, when that is known without looking at it."""
    if problem := next((it for it in seen.problems if it.child in (child, None)), None):
        return _Verdict("False", problem.reason, problem.message)
    if waiting := seen.waiting.get(child):
        return _Verdict("False", Reason.PROGRESSING, waiting)
    return None


def _rollout_trouble(conditions: Iterable[Json]) -> Trouble | None:
    """What the Deployment itself says when it has no pods that could say it."""
    found = {it["type"]: it for it in conditions}
    if (failure := found.get("ReplicaFailure")) and failure["status"] == "True":
        return Trouble(Reason.FAILED_CREATE, failure.get("message", ""))
    if (progress := found.get("Progressing")) and progress["status"] == "False":
        return Trouble(Reason.DEADLINE, progress.get("message", ""))
    return None


def _urgent_part(status: ExposedAppStatus, parts: Sequence[str]) -> tuple[object, ...]:
    told = [it for it in status.conditions or () if it.type in parts]
    return (
        status.observed_generation,
        status.url,
        status.ports,
        [(it.type, it.status, _urgent_reason(it)) for it in told],
    )


def _urgent_reason(condition: Condition) -> str:
    if condition.type == "Reachable" and condition.status == "Unknown":
        return ""
    waiting = condition.reason == Reason.WAITING_FOR_ANSWER
    return Reason.PROGRESSING if waiting else condition.reason


def _as_json(status: ExposedAppStatus) -> Json:
    return status.model_dump(mode="json", by_alias=True, exclude_none=True)
