# SPDX-License-Identifier: Apache-2.0
"""All conditions of an app, from what was observed. Pure. Called by compute.py.

A status that says the same as the previous one is equal to it, times of transition included, so
"is there anything to write" is a comparison.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass

from exposedapp.api.app import Condition, ExposedAppStatus
from exposedapp.api.conditions import STALLED_REASONS, ConditionType, ReachableReason, Reason
from exposedapp.exposure.load_balancer_urls import pending_load_balancer
from exposedapp.exposure.probes import ProbeResults
from exposedapp.exposure.reachability import evaluate
from exposedapp.status.condition_value import ConditionValue
from exposedapp.status.observation import Observation, PodFailure
from exposedapp.status.service import service_ready
from exposedapp.status.workload import unfinished_scaling, workload_available

MAX_MESSAGE_BYTES = 4_000
"""Of a condition's message as JSON: it may quote long URLs, or what an API server or a container
reported. A status with five of them stays below 100 KB, see exposure/url_budget.py."""


def compute_conditions(
    observation: Observation,
    probes: ProbeResults,
    pod_failure: PodFailure | None,
    probing_seconds: float,
) -> list[Condition]:
    """All conditions, with the time of their last transition."""
    workload = workload_available(observation, pod_failure)
    parts = _Parts(
        observation,
        workload,
        service_ready(observation),
        _reachable(observation, probes, probing_seconds, workload),
    )
    ready = _ready(parts)
    values = {
        ConditionType.READY: ready,
        ConditionType.WORKLOAD_AVAILABLE: parts.workload,
        ConditionType.SERVICE_READY: parts.service,
        ConditionType.REACHABLE: parts.reachable,
    }
    # These two follow kstatus: present only while true (sigs.k8s.io/cli-utils, pkg/kstatus).
    if ready.reason in STALLED_REASONS:
        values[ConditionType.STALLED] = ConditionValue("True", ready.reason, ready.message)
    elif not ready.is_true and ready.reason not in (Reason.NO_ELIGIBLE_NODE, Reason.UNREACHABLE):
        values[ConditionType.RECONCILING] = ConditionValue("True", ready.reason, ready.message)
    elif ready.is_true and (scaling := unfinished_scaling(observation, pod_failure)):
        values[ConditionType.RECONCILING] = ConditionValue("True", scaling.reason, scaling.message)
    return [
        make_condition(
            condition_type, value, observation.previous, observation.generation, observation.now
        )
        for condition_type, value in values.items()
    ]


def make_condition(
    condition_type: ConditionType,
    value: ConditionValue,
    previous: ExposedAppStatus,
    generation: int,
    now: str,
) -> Condition:
    """A condition of this generation; `now`, as Kubernetes writes it, if its status changes."""
    before = previous.condition(condition_type)
    same_status = before if before and before.status == value.status else None
    return Condition(
        type=condition_type,
        status=value.status,
        reason=value.reason,
        message=_shortened(value.message),
        observed_generation=generation,
        last_transition_time=same_status.last_transition_time if same_status else now,
    )


def was_probed(observation: Observation) -> bool:
    """Whether the previous status says if the URLs answer."""
    previous = observation.previous.condition(ConditionType.REACHABLE)
    return previous is not None and previous.status != "Unknown"


@dataclass(frozen=True, slots=True)
class _Parts:
    """What Ready is the sum of."""

    observation: Observation
    workload: ConditionValue
    service: ConditionValue
    reachable: ConditionValue


def _ready(parts: _Parts) -> ConditionValue:
    """The condition Ready: the result of the first check that applies."""
    results = (check(parts) for check in READY_CHECKS)
    ready = next(result for result in results if result is not None)
    if not parts.observation.suspended:
        return ready
    message = f"{ready.message} Suspended: changes wait until spec.suspend is false."
    return ConditionValue(ready.status, ready.reason, message)


def _problem(parts: _Parts) -> ConditionValue | None:
    for problem in parts.observation.problems:
        return ConditionValue("False", problem.reason, problem.message)
    return None


def _scaled_to_zero(parts: _Parts) -> ConditionValue | None:
    if parts.workload.reason != Reason.SCALED_TO_ZERO or not parts.service.is_true:
        return None
    has_node_ports = any(port.node_port for port in parts.observation.exposure.ports)
    kept = "the Service and its node ports are" if has_node_ports else "the Service is"
    return ConditionValue("True", Reason.SCALED_TO_ZERO, f"Scaled to zero; {kept} kept.")


def _no_eligible_node(parts: _Parts) -> ConditionValue | None:
    """No node would be listed, whatever the pods do."""
    if parts.observation.exposure.local_pods_required:
        return None
    return _no_listed_node(parts)


def _workload_not_available(parts: _Parts) -> ConditionValue | None:
    return None if parts.workload.is_true else parts.workload


def _service_not_ready(parts: _Parts) -> ConditionValue | None:
    return None if parts.service.is_true else parts.service


def _no_listed_node(parts: _Parts) -> ConditionValue | None:
    """No node is listed; with externalTrafficPolicy Local perhaps because none runs a ready pod."""
    reason = parts.observation.exposure.no_node_reason
    return ConditionValue("False", Reason.NO_ELIGIBLE_NODE, reason) if reason else None


def _unreachable(parts: _Parts) -> ConditionValue | None:
    reachable = parts.reachable
    if reachable.reason in (ReachableReason.WAITING_FOR_ANSWER, ReachableReason.UNREACHABLE):
        return ConditionValue("False", reachable.reason, reachable.message)
    return None


def _available(parts: _Parts) -> ConditionValue:
    if not parts.observation.pod_selector:
        return ConditionValue("True", Reason.AVAILABLE, parts.service.message)
    service = parts.observation.service
    pending = pending_load_balancer(service) if service else ""
    message = f"{parts.workload.message} {pending}".strip()
    return ConditionValue("True", Reason.AVAILABLE, message)


READY_CHECKS: tuple[Callable[[_Parts], ConditionValue | None], ...] = (
    _problem,
    _scaled_to_zero,
    _no_eligible_node,
    _workload_not_available,
    _service_not_ready,
    _no_listed_node,
    _unreachable,
    _available,
)
"""Ready is what the first check returns that applies: the cause before its consequences, so that
the message names what to change."""


def _reachable(
    observation: Observation,
    probes: ProbeResults,
    probing_seconds: float,
    workload: ConditionValue,
) -> ConditionValue:
    """The condition Reachable: whether the URLs answer, as far as they were probed."""
    if workload.reason == Reason.SCALED_TO_ZERO:
        return ConditionValue("Unknown", ReachableReason.NOT_PROBED, "Scaled to zero.")
    previous = observation.previous.condition(ConditionType.REACHABLE)
    reachability = evaluate(probes, previous, probing_seconds)
    return ConditionValue(reachability.status, reachability.reason, reachability.message)


def _shortened(message: str) -> str:
    """The message, without its end if it is too long. A message that was shortened stays as is."""
    if len(json.dumps(message)) <= MAX_MESSAGE_BYTES:
        return message
    while len(json.dumps(f"{message} ...")) > MAX_MESSAGE_BYTES:
        message = message[: len(message) * 9 // 10]
    return f"{message} ..."
