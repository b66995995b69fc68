"""Pure: from everything that was observed to the app's status.

Nothing here talks to anyone. A status that says the same as the previous one is equal to it, times
of transition included, so "is there anything to write" is a comparison.
"""

import json
from dataclasses import dataclass

from exposedapp.api.app import Condition, ConditionStatus
from exposedapp.api.conditions import STALLED_REASONS, ConditionType, ReachableReason, Reason
from exposedapp.api.meta import ChildKind, Json, selector_string
from exposedapp.exposure.endpoints import endpoint_counts
from exposedapp.exposure.probes import ProbeResults
from exposedapp.exposure.reachability import evaluate
from exposedapp.status.observation import Observation, PodFailure
from exposedapp.status.rollout import rollout_complete, rollout_failure

MAX_MESSAGE_BYTES = 4_000
"""Of a condition's message as JSON: it may quote long URLs, or what an API server or a container
said. A status of five of them stays below 100 KB, see addresses.py."""


@dataclass(frozen=True, slots=True)
class _ConditionValue:
    """A condition without its type and times."""

    status: ConditionStatus
    reason: str
    message: str

    @property
    def good(self) -> bool:
        return self.status == "True"


def _workload(observation: Observation, pod_failure: PodFailure | None) -> _ConditionValue:
    """Whether the pods are as wanted."""
    if hindrance := _hindrance(observation, "Deployment"):
        return hindrance
    if observation.deployment is not None and observation.runs_pods:
        return _rollout(observation.deployment, pod_failure)
    if observation.runs_pods:
        return _ConditionValue("False", Reason.PROGRESSING, "There is no Deployment yet.")
    if not observation.pod_selector:
        return _ConditionValue("True", Reason.AVAILABLE, "The app has no pods of its own.")
    counts = endpoint_counts(observation.endpoints)
    selector = selector_string(observation.pod_selector)
    found = f"{counts.ready} of {counts.total} pods with {selector} are ready."
    if counts.ready:
        return _ConditionValue("True", Reason.AVAILABLE, found)
    if pod_failure:
        return _ConditionValue(
            "False", pod_failure.reason, f"{found} {pod_failure.message}".strip()
        )
    return _ConditionValue("False", Reason.PROGRESSING, found)


def _rollout(deployment: Json, pod_failure: PodFailure | None) -> _ConditionValue:
    """The same for a Deployment's pods, by the rules of `kubectl rollout status`."""
    wanted = deployment["spec"].get("replicas", 1)
    if wanted == 0:
        return _ConditionValue("True", Reason.SCALED_TO_ZERO, "No pods are wanted.")
    if rollout_complete(deployment):
        return _ConditionValue("True", Reason.AVAILABLE, f"{wanted} of {wanted} pods are ready.")
    status = deployment.get("status") or {}
    ready = min(status.get("readyReplicas", 0), wanted)
    message = f"{ready} of {wanted} pods are ready."
    if trouble := pod_failure or rollout_failure(status.get("conditions") or ()):
        return _ConditionValue("False", trouble.reason, f"{message} {trouble.message}".strip())
    updated, surplus = status.get("updatedReplicas", 0), status.get("replicas", 0) - wanted
    if ready == wanted and updated < wanted:
        message += f" {updated} of them are of the newest spec."
    elif ready == wanted and surplus > 0:
        message += f" {surplus} more are to go."
    return _ConditionValue("False", Reason.PROGRESSING, message)


def _service(observation: Observation) -> _ConditionValue:
    """Whether the Service is there and has the pods behind it."""
    if hindrance := _hindrance(observation, "Service"):
        return hindrance
    if observation.service is None:
        return _ConditionValue("False", Reason.PROGRESSING, "There is no Service yet.")
    if not observation.pod_selector:
        target = observation.service["spec"].get("externalName")
        name = f"{observation.app.name}.{observation.app.namespace}.svc"
        return _ConditionValue("True", Reason.AVAILABLE, f"The name {name} stands for {target}.")
    ready = {it.pod for it in observation.endpoints if it.ready}
    if not observation.runs_pods:
        wanted = max(len(ready), 1)
    elif observation.deployment is not None:
        wanted = observation.deployment["spec"].get("replicas", 1)
    else:
        wanted = observation.spec.replicas if observation.spec else 0
    if wanted == 0:
        return _ConditionValue(
            "True", Reason.SCALED_TO_ZERO, "The Service is there; no pods are wanted."
        )
    if len(ready) < wanted:
        message = f"{len(ready)} of {wanted} pods get traffic from the Service."
        return _ConditionValue("False", Reason.PROGRESSING, message)
    if missing := _missing_port(observation):
        return _ConditionValue("False", Reason.PROGRESSING, missing)
    return _ConditionValue(
        "True", Reason.AVAILABLE, f"{len(ready)} of {len(ready)} pods get traffic."
    )


def _missing_port(observation: Observation) -> str | None:
    """A targetPort by name that no selected pod has: its endpoints then lack that port."""
    if observation.runs_pods or observation.service is None:
        return None
    found = {name for it in observation.endpoints if it.ready for name in it.ports}
    for port in observation.service["spec"].get("ports") or ():
        target = port["targetPort"]
        if isinstance(target, str) and port.get("name", "") not in found:
            return f"No pod has a container port named '{target}', targetPort of {port['port']}."
    return None


def _reachable(
    observation: Observation,
    probes: ProbeResults,
    probing_seconds: float,
    workload: _ConditionValue,
) -> _ConditionValue:
    """Whether the URLs answer, as far as that was tried."""
    if workload.reason == Reason.SCALED_TO_ZERO:
        return _ConditionValue("Unknown", ReachableReason.NOT_PROBED, "No pods are wanted.")
    before = observation.previous.condition(ConditionType.REACHABLE)
    found = evaluate(probes, before, probing_seconds)
    return _ConditionValue(found.status, found.reason, found.message)


def was_probed(observation: Observation) -> bool:
    """Whether the previous status says if the URLs answer."""
    before = observation.previous.condition(ConditionType.REACHABLE)
    return before is not None and before.status != "Unknown"


def _ready(
    observation: Observation,
    workload: _ConditionValue,
    service: _ConditionValue,
    reachable: _ConditionValue,
) -> _ConditionValue:
    """The sum, in the order in which a person would want to be told."""
    exposure = observation.exposure
    if observation.problems:
        first = observation.problems[0]
        return _ConditionValue("False", first.reason, first.message)
    if workload.reason == Reason.SCALED_TO_ZERO and service.good:
        return _ConditionValue(
            "True", Reason.SCALED_TO_ZERO, "No pods are wanted; the address is kept."
        )
    if exposure.no_node_reason and not exposure.local_pods_required:
        return _ConditionValue("False", Reason.NO_ELIGIBLE_NODE, exposure.no_node_reason)
    for part in (workload, service):
        if not part.good:
            return part
    if exposure.no_node_reason:
        return _ConditionValue("False", Reason.NO_ELIGIBLE_NODE, exposure.no_node_reason)
    if reachable.reason in (ReachableReason.WAITING_FOR_ANSWER, ReachableReason.UNREACHABLE):
        return _ConditionValue("False", reachable.reason, reachable.message)
    return _ConditionValue(
        "True", Reason.AVAILABLE, (workload if observation.pod_selector else service).message
    )


def compute_conditions(
    observation: Observation,
    probes: ProbeResults,
    pod_failure: PodFailure | None,
    probing_seconds: float,
) -> list[Condition]:
    """All conditions, with the time of their last transition."""
    workload, service = _workload(observation, pod_failure), _service(observation)
    reachable = _reachable(observation, probes, probing_seconds, workload)
    ready = _ready(observation, workload, service, reachable)
    if observation.suspended:
        said = f"{ready.message} Suspended: changes wait until spec.suspend is false."
        ready = _ConditionValue(ready.status, ready.reason, said)
    verdicts = {
        ConditionType.READY: ready,
        ConditionType.WORKLOAD_AVAILABLE: workload,
        ConditionType.SERVICE_READY: service,
        ConditionType.REACHABLE: reachable,
    }
    # The two below follow kstatus: present only while true (sigs.k8s.io/cli-utils, pkg/kstatus).
    if ready.reason in STALLED_REASONS:
        verdicts[ConditionType.STALLED] = _ConditionValue("True", ready.reason, ready.message)
    elif not ready.good and ready.reason not in (Reason.NO_ELIGIBLE_NODE, Reason.UNREACHABLE):
        verdicts[ConditionType.RECONCILING] = _ConditionValue("True", ready.reason, ready.message)
    before = {it.type: it for it in observation.previous.conditions or ()}
    return [
        Condition(
            type=kind,
            status=verdict.status,
            reason=verdict.reason,
            message=_shortened(verdict.message),
            observed_generation=observation.generation,
            last_transition_time=before[kind].last_transition_time
            if kind in before and before[kind].status == verdict.status
            else observation.now,
        )
        for kind, verdict in verdicts.items()
    ]


def _shortened(message: str) -> str:
    """A message without its end when it is too long. One that was shortened stays as it is."""
    if len(json.dumps(message)) <= MAX_MESSAGE_BYTES:
        return message
    while len(json.dumps(f"{message} ...")) > MAX_MESSAGE_BYTES:
        message = message[: len(message) * 9 // 10]
    return f"{message} ..."


def _hindrance(observation: Observation, child: ChildKind) -> _ConditionValue | None:
    """Why a child is not as wanted, when that is known without looking at it."""
    if problem := next((it for it in observation.problems if it.child in (child, None)), None):
        return _ConditionValue("False", problem.reason, problem.message)
    if waiting := observation.pending.get(child):
        return _ConditionValue("False", Reason.PROGRESSING, waiting)
    return None
