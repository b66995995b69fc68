"""Questions about a status."""

from exposedapp.api.app import Condition, ExposedAppStatus
from exposedapp.api.conditions import Reason
from exposedapp.status.pods import POD_REASONS


def is_reconciling(status: ExposedAppStatus) -> bool:
    """Whether pods or objects are on their way to what is wanted."""
    return any(it.type == "Reconciling" for it in status.conditions or ())


def awaits_first_probe(status: ExposedAppStatus) -> bool:
    """Whether an answer of the URLs is still waited for."""
    return any(
        it.type == "Reachable" and it.reason == Reason.WAITING_FOR_ANSWER
        for it in status.conditions or ()
    )


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
    return next((it for it in status.conditions or () if it.type == "Ready"), None)
