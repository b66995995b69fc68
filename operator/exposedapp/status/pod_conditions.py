# SPDX-License-Identifier: Apache-2.0
"""Why a pod is not placed on a node, not ready, or ended, as its conditions say. Pure.

Called by pods.py.
"""

from exposedapp.api.conditions import ConditionType, Reason, find_condition
from exposedapp.api.meta import Json
from exposedapp.status.observation import PodFailure
from exposedapp.status.words import without_numbers

READINESS_GATES_NOT_READY = "ReadinessGatesNotReady"
"""Source: pkg/kubelet/status/generate.go."""

SCHEDULER_ERROR = "SchedulerError"


def scheduling_failure(pod: Json) -> PodFailure | None:
    """Why the scheduler has not placed the pod on a node, in its words.

    A scheduler that has a volume provisioned waits for ten minutes, and then reports that as an
    error of its own: what the volume lacks is in the Events of its claim.
    """
    name = pod["metadata"]["name"]
    scheduled = pod_condition(pod, "PodScheduled")
    reason = scheduled.get("reason", "")
    if scheduled.get("status") == "True" or not reason:
        return None
    message = scheduled.get("message") or ""
    needs_events = reason == SCHEDULER_ERROR or "PersistentVolumeClaim" in message
    if reason != "Unschedulable":
        message = f"Pod {name}: {reason}: {message}"
    if gates := (pod.get("spec") or {}).get("schedulingGates"):
        message += f" ({', '.join(str(gate.get('name')) for gate in gates)})"
    cause = without_numbers(message)
    return PodFailure(Reason.UNSCHEDULABLE, message, name, cause, needs_events=needs_events)


def readiness_gate_failure(pod: Json) -> PodFailure | None:
    """Which readiness gates are not fulfilled while all containers are ready."""
    ready = pod_condition(pod, ConditionType.READY)
    if ready.get("reason") != READINESS_GATES_NOT_READY:
        return None
    name, message = pod["metadata"]["name"], ready.get("message") or READINESS_GATES_NOT_READY
    return PodFailure(Reason.PROGRESSING, f"Pod {name}: {message}", name, message)


def end_of_pod(pod: Json) -> PodFailure | None:
    """Why a pod ended, or is being ended, although its containers are to run for ever.

    Evicted, preempted or rejected by the kubelet: its replacement may meet the same fate.
    """
    name, status = pod["metadata"]["name"], pod.get("status") or {}
    disruption = pod_condition(pod, "DisruptionTarget")
    if has_ended(pod):
        cause = status.get("reason") or disruption.get("reason") or status["phase"]
        words = status.get("message") or disruption.get("message") or ""
    elif "deletionTimestamp" in pod["metadata"] and disruption.get("status") == "True":
        cause, words = disruption.get("reason") or "DisruptionTarget", disruption.get("message")
    else:
        return None
    message = f"Pod {name}: {cause}" + (f": {words.strip()}" if words else "")
    return PodFailure(Reason.PROGRESSING, message, name, cause, is_replaced=True)


def has_ended(pod: Json) -> bool:
    """Whether the pod will never run again; its object is kept for a while."""
    return (pod.get("status") or {}).get("phase") in ("Failed", "Succeeded")


def is_ready(pod: Json) -> bool:
    """Whether the pod's condition Ready is true."""
    return pod_condition(pod, ConditionType.READY).get("status") == "True"


def pod_condition(pod: Json, condition_type: str) -> Json:
    """A condition of the pod; empty if the pod has none of this type."""
    conditions = (pod.get("status") or {}).get("conditions")
    return find_condition(conditions, condition_type) or {}
