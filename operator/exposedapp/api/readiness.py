# SPDX-License-Identifier: Apache-2.0
"""Whether an app is ready now, as its condition Ready has it. Used by the CLI and the catalog.

Pure.
"""

from dataclasses import dataclass

from exposedapp.api.conditions import ConditionType, find_condition
from exposedapp.api.meta import Json


@dataclass(frozen=True, slots=True)
class Readiness:
    """The condition Ready, if it is about the current generation of the spec."""

    ready: bool
    stalled: bool
    reason: str
    message: str

    def __str__(self) -> str:
        return f"{self.reason}: {self.message}"


NOT_OBSERVED = Readiness(
    ready=False,
    stalled=False,
    reason="NotObserved",
    message="The operator has not processed this spec yet.",
)


def readiness_of(app: Json) -> Readiness:
    """Whether the app is ready now."""
    generation = app["metadata"]["generation"]
    status = app.get("status") or {}
    current = [
        condition
        for condition in status.get("conditions") or ()
        if condition.get("observedGeneration") == generation
    ]
    ready = find_condition(current, ConditionType.READY)
    if status.get("observedGeneration") != generation or ready is None:
        return NOT_OBSERVED
    stalled = find_condition(current, ConditionType.STALLED)
    return Readiness(
        ready=ready["status"] == "True",
        stalled=stalled is not None and stalled["status"] == "True",
        reason=ready["reason"],
        message=ready["message"],
    )
