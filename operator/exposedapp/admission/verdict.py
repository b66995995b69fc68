# SPDX-License-Identifier: Apache-2.0
"""Decides what is refused, and what is a warning. Pure. Called by reviewer.py.

Refused is what cannot work until the spec is changed. A warning is what another object, a user or
an administrator may resolve without changing the spec: to be applied in any order, an app must be
accepted before its ConfigMap.
"""

import re
from collections.abc import Sequence

from exposedapp.admission.results import Refusal, Verdict
from exposedapp.api.conditions import Reason
from exposedapp.reconcile.results import ChildrenResult
from exposedapp.status.observation import Problem

REFUSED = {Reason.INVALID_SPEC: 422, Reason.FORBIDDEN: 403}
"""Reasons for which an app is refused, with the HTTP status of the answer."""

NO_RIGHT = re.compile(r"is forbidden: User \".*?\" cannot ")
"""How a refusal for want of rights is worded (k8s.io/apiserver, endpoints/handlers/responsewriters,
errors.go). The operator's role is not the author's matter."""

NO_DRY_RUN = "does not support dry run"
"""How the API server refuses a dry run, with 400, where another webhook has side effects
(NewDryRunUnsupportedErr in k8s.io/apiserver, pkg/admission/plugin/webhook/errors)."""


def judge(children: ChildrenResult, warnings: Sequence[str]) -> Verdict:
    """The verdict on an app whose children were applied as a dry run.

    `warnings` are those that the children's admission does not give.
    """
    refused = [problem for problem in children.problems if _is_refused(problem)]
    if refused:
        message = "; ".join(dict.fromkeys(problem.message for problem in refused))
        return Verdict(Refusal(REFUSED[refused[0].reason], message))
    problems = [_warning(problem) for problem in children.problems]
    failures = [f"not checked: {failure.message}" for failure in children.failures]
    return Verdict(warnings=tuple(dict.fromkeys((*problems, *failures, *warnings))))


def _is_refused(problem: Problem) -> bool:
    text = problem.message
    return problem.reason in REFUSED and not (NO_RIGHT.search(text) or NO_DRY_RUN in text)


def _warning(problem: Problem) -> str:
    if NO_DRY_RUN in problem.message:
        return f"not checked: {problem.message}"
    return f"{problem.reason}: {problem.message}"
