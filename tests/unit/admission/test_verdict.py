# SPDX-License-Identifier: Apache-2.0
"""What is refused, and what is a warning."""

import pytest

from exposedapp.admission.results import Refusal, ReviewResult, Verdict
from exposedapp.admission.verdict import REFUSED, judge
from exposedapp.api.conditions import STALLED_REASONS, Reason
from exposedapp.reconcile.results import NO_CHILD, ChildrenResult, ChildResult, Failure
from exposedapp.status.observation import Problem

NO_RIGHT = (
    'deployments.apps "web" is forbidden: User "system:serviceaccount:a:b" cannot patch resource '
    '"deployments" in API group "apps" in the namespace "shop"'
)
NO_DRY_RUN = 'admission webhook "other.example" does not support dry run'
POLICY = 'deployments.apps "web" is forbidden: ValidatingAdmissionPolicy denied request: no'
DENIED = 'admission webhook "other.example" denied the request: User "jane" cannot do this'


def children_with(*problems: Problem) -> ChildrenResult:
    deployment, service, *_ = (
        *(ChildResult(problem=each) for each in problems),
        NO_CHILD,
        NO_CHILD,
    )
    return ChildrenResult(deployment, service)


@pytest.mark.parametrize("reason", sorted(STALLED_REASONS - REFUSED.keys()))
def test_what_others_may_resolve_is_a_warning(reason: Reason) -> None:
    verdict = judge(children_with(Problem(reason, "words")), ())
    assert verdict == Verdict(warnings=(f"{reason}: words",))
    assert verdict.result == ReviewResult.WARNED


@pytest.mark.parametrize(
    ("reason", "code", "message"),
    [
        (Reason.INVALID_SPEC, 422, "words"),
        (Reason.FORBIDDEN, 403, POLICY),
        (Reason.FORBIDDEN, 403, DENIED),
    ],
)
def test_what_only_the_author_can_change_is_refused(
    reason: Reason, code: int, message: str
) -> None:
    verdict = judge(children_with(Problem(reason, message)), ["a warning"])
    assert verdict == Verdict(Refusal(code, message))
    assert verdict.result == ReviewResult.REFUSED


def test_the_operator_s_own_rights_are_not_the_author_s_matter() -> None:
    assert judge(children_with(Problem(Reason.FORBIDDEN, NO_RIGHT)), ()).refusal is None


def test_what_cannot_be_tried_is_not_refused() -> None:
    verdict = judge(children_with(Problem(Reason.INVALID_SPEC, NO_DRY_RUN)), ())
    assert verdict == Verdict(warnings=(f"not checked: {NO_DRY_RUN}",))


def test_both_children_are_in_one_refusal_and_the_same_words_once() -> None:
    first, second = Problem(Reason.INVALID_SPEC, "one"), Problem(Reason.INVALID_SPEC, "two")
    refusals = [judge(children_with(first, other), ()).refusal for other in (second, first)]
    assert [refusal.message for refusal in refusals if refusal] == ["one; two", "one"]


def test_failures_and_other_warnings_are_added() -> None:
    children = ChildrenResult(failure=Failure("no answer"))
    assert judge(children, ["more"]).warnings == ("not checked: no answer", "more")
