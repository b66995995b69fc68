# SPDX-License-Identifier: Apache-2.0
"""A condition before it has its type and times. Pure. Used by the modules of the conditions."""

from dataclasses import dataclass

from exposedapp.api.app import ConditionStatus
from exposedapp.api.conditions import Reason
from exposedapp.api.meta import ChildKind
from exposedapp.status.observation import Observation


@dataclass(frozen=True, slots=True)
class ConditionValue:
    """Status, reason and message of a condition."""

    status: ConditionStatus
    reason: str
    message: str

    @property
    def is_true(self) -> bool:
        """Whether the condition is fulfilled."""
        return self.status == "True"


def progressing(message: str) -> ConditionValue:
    """A condition that will become true by itself."""
    return ConditionValue("False", Reason.PROGRESSING, message)


def unapplied_child(observation: Observation, child: ChildKind) -> ConditionValue | None:
    """Why a child could not be applied as desired; None if it was applied."""
    for problem in observation.problems:
        if problem.child in (child, None):
            return ConditionValue("False", problem.reason, problem.message)
    if pending := observation.pending.get(child):
        return progressing(pending)
    return None
