# SPDX-License-Identifier: Apache-2.0
"""The contract's words: values that programs read, and an explanation for each reason."""

import re

import pytest

from exposedapp.api.app import Condition, ExposedAppStatus
from exposedapp.api.conditions import (
    EXPLANATIONS,
    STALLED_REASONS,
    ConditionType,
    Explanation,
    ReachableReason,
    Reason,
    find_condition,
)

PROGRAMS_READ = {
    ConditionType: "Ready WorkloadAvailable ServiceReady Reachable Reconciling Stalled",
    ReachableReason: "Answers SomeUnreachable Unreachable WaitingForAnswer NotProbed ProbeBlocked",
    Reason: "Available ScaledToZero NoEligibleNode Progressing ImagePullBackOff "
    "CreateContainerConfigError CrashLoopBackOff Unschedulable FailedMount Unhealthy FailedCreate "
    "ProgressDeadlineExceeded DeploymentPaused WaitingForAnswer Unreachable InvalidSpec NotOwned "
    "NodePortConflict NodePortsExhausted QuotaExceeded Forbidden InternalError",
}
GOOD = {Reason.AVAILABLE, Reason.SCALED_TO_ZERO}
READY, STALLED = ConditionType.READY, ConditionType.STALLED


@pytest.mark.parametrize("words", PROGRAMS_READ, ids=lambda words: words.__name__)
def test_the_values_never_change(
    words: type[ConditionType] | type[ReachableReason] | type[Reason],
) -> None:
    assert " ".join(words) == PROGRAMS_READ[words]


def test_every_reason_is_explained() -> None:
    assert EXPLANATIONS.keys() == set(Reason)


@pytest.mark.parametrize(("reason", "explanation"), EXPLANATIONS.items())
def test_an_explanation_is_whole_sentences(reason: Reason, explanation: Explanation) -> None:
    assert re.fullmatch(r"[A-Z].*\.", explanation.meaning)
    assert re.fullmatch(r"[A-Z].*\." if reason not in GOOD else "", explanation.remedy)


def test_no_good_reason_stalls() -> None:
    assert not GOOD & STALLED_REASONS


def condition(condition_type: ConditionType) -> Condition:
    return Condition(
        type=condition_type,
        status="True",
        reason=Reason.AVAILABLE,
        message="",
        observed_generation=1,
        last_transition_time="2026-01-01T00:00:00Z",
    )


def test_a_condition_is_found_by_its_type() -> None:
    status = ExposedAppStatus(
        observed_generation=1, conditions=[condition(STALLED), condition(READY)]
    )
    assert status.condition(READY) == condition(READY)
    assert status.condition(ConditionType.REACHABLE) is None
    assert ExposedAppStatus(observed_generation=1).condition(READY) is None


def test_a_condition_of_an_object_is_found_by_its_type() -> None:
    conditions = [{"type": "Available", "status": "True"}, {"type": "Ready", "status": "False"}]
    assert find_condition(conditions, READY) == conditions[1]
    assert find_condition(conditions, STALLED) is None
    assert find_condition(None, READY) is None
