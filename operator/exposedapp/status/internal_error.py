# SPDX-License-Identifier: Apache-2.0
"""The status of an app whose reconcile failed with an unforeseen error. Pure. Called by reconcile/.

Nothing is known about the app but the status before, so everything else in it stays.
"""

from exposedapp.api.app import ExposedAppStatus
from exposedapp.api.conditions import ConditionType, Reason
from exposedapp.status.condition_value import ConditionValue
from exposedapp.status.conditions import make_condition

REPLACED = (ConditionType.READY, ConditionType.RECONCILING, ConditionType.STALLED)


def internal_error_status(
    previous: ExposedAppStatus, generation: int, error: Exception, now: str
) -> ExposedAppStatus:
    """The previous status, not ready and stalled.

    The message has the error's type only: the text of an error may differ at each attempt, and
    each difference would be a write.
    """
    message = f"Internal error of the operator: {type(error).__name__}; its log has the traceback."
    ready = ConditionValue("False", Reason.INTERNAL_ERROR, message)
    stalled = ConditionValue("True", Reason.INTERNAL_ERROR, message)
    kept = [condition for condition in previous.conditions or () if condition.type not in REPLACED]
    conditions = [
        make_condition(ConditionType.READY, ready, previous, generation, now),
        *kept,
        make_condition(ConditionType.STALLED, stalled, previous, generation, now),
    ]
    return previous.model_copy(update={"observed_generation": generation, "conditions": conditions})
