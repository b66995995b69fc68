# SPDX-License-Identifier: Apache-2.0
"""What a status says, as functions. Pure. Called by reconcile/, events.py and write_policy.py."""

from exposedapp.api.app import Condition, ExposedAppStatus
from exposedapp.api.conditions import ConditionType, ReachableReason
from exposedapp.status.pods import POD_REASONS


def is_reconciling(status: ExposedAppStatus) -> bool:
    """Whether pods or children are not yet as desired, but will be."""
    return status.condition(ConditionType.RECONCILING) is not None


def awaits_first_probe(status: ExposedAppStatus) -> bool:
    """Whether no URL has answered yet since the pods became ready."""
    reachable = status.condition(ConditionType.REACHABLE)
    return reachable is not None and reachable.reason == ReachableReason.WAITING_FOR_ANSWER


def reports_pod_failure(status: ExposedAppStatus, generation: int) -> bool:
    """Whether the status of this generation has a failure that only the pods can have reported."""
    ready = ready_condition(status)
    return (
        ready is not None
        and ready.observed_generation == generation
        and ready.reason in POD_REASONS
    )


def ready_condition(status: ExposedAppStatus) -> Condition | None:
    """The condition Ready; None before the first status."""
    return status.condition(ConditionType.READY)
