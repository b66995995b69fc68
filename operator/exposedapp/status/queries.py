"""Questions about a status."""

from exposedapp.api.app import Condition, ExposedAppStatus
from exposedapp.api.conditions import ConditionType, ReachableReason
from exposedapp.status.pods import POD_REASONS


def is_reconciling(status: ExposedAppStatus) -> bool:
    """Whether pods or objects are on their way to what is wanted."""
    return status.condition(ConditionType.RECONCILING) is not None


def awaits_first_probe(status: ExposedAppStatus) -> bool:
    """Whether an answer of the URLs is still waited for."""
    reachable = status.condition(ConditionType.REACHABLE)
    return reachable is not None and reachable.reason == ReachableReason.WAITING_FOR_ANSWER


def reports_pod_failure(status: ExposedAppStatus, generation: int) -> bool:
    """Whether the status names, for this spec, something that only the pods can have said."""
    ready = ready_condition(status)
    return (
        ready is not None
        and ready.observed_generation == generation
        and ready.reason in POD_REASONS
    )


def ready_condition(status: ExposedAppStatus) -> Condition | None:
    """The condition Ready, when there is one."""
    return status.condition(ConditionType.READY)
