# SPDX-License-Identifier: Apache-2.0
"""The status of an app by the results of its probes."""

from dataclasses import replace

import pytest

from exposedapp.api.conditions import Reason
from exposedapp.exposure.endpoints import Endpoint
from exposedapp.exposure.probe_blocked import WAY_CUT
from exposedapp.exposure.probes import ProbeResult, ProbeResults
from exposedapp.status.observation import Problem
from exposedapp.status.queries import awaits_first_probe, is_reconciling
from exposedapp.status.write_policy import is_urgent, status_patch
from support.objects import deployment_body, port, service_body
from support.probes import LATE, OK, REFUSED
from support.snapshots import (
    BEFORE,
    NOW,
    STOPPED,
    TWO,
    WELL,
    Seen,
    compute,
    condition,
    condition_values,
)

CUT = replace(LATE, blocked=True)
A, B = "http://10.0.0.1:30001", "http://10.0.0.2:30001"
SOON, LONG = 29.0, 30.0
ConditionValues = tuple[str, str, str]


def probed(
    a: ProbeResult | None, b: ProbeResult | None, waited: float = SOON, seen: Seen = WELL
) -> Seen:
    """The same app, when its URLs have been probed for `waited` seconds."""
    return replace(seen, answers=ProbeResults(0.0, {A: a, B: b}), waited=waited)


AVAILABLE = ("True", "Available", "1 of 1 pods are ready.")
ANSWERS = ("True", "Answers", "The node URLs answer, tried from the operator's pod.")
WAITING = ("WaitingForAnswer", "The pods are ready; no URL answers yet.")
COUNTED = "{} of 2 node URLs answer, tried from the operator's pod; {}"
SOME = ("False", "SomeUnreachable", COUNTED.format(1, f"{B}: {REFUSED}"))
NONE = ("Unreachable", COUNTED.format(0, f"{A}: {LATE}; {B}: {REFUSED}"))
NOT_PROBED = ("Unknown", "NotProbed", "No URL is probed.")
NO_PODS = ("Unknown", "NotProbed", "Scaled to zero.")
INSIDE = replace(WELL, service=service_body(port(80), type="ClusterIP"))
DATAGRAMS = replace(WELL, service=service_body(port(80, 30001, "UDP")))


@pytest.mark.parametrize(
    ("seen", "ready", "reachable", "url"),
    [
        (probed(OK, OK), AVAILABLE, ANSWERS, A),
        (probed(OK, OK, LONG), AVAILABLE, ANSWERS, A),
        (probed(None, OK), AVAILABLE, ANSWERS, B),
        (probed(OK, REFUSED), AVAILABLE, ANSWERS, A),
        (probed(OK, REFUSED, LONG), AVAILABLE, SOME, A),
        (probed(None, None), ("False", *WAITING), ("Unknown", *WAITING), A),
        (probed(LATE, REFUSED), ("False", *WAITING), ("Unknown", *WAITING), A),
        (probed(LATE, REFUSED, LONG), ("False", *NONE), ("False", *NONE), A),
        (probed(CUT, CUT), AVAILABLE, ("Unknown", "ProbeBlocked", WAY_CUT), A),
        (WELL, AVAILABLE, NOT_PROBED, A),
        (INSIDE, AVAILABLE, NOT_PROBED, "http://web.shop.svc:80"),
        (DATAGRAMS, AVAILABLE, NOT_PROBED, "udp://10.0.0.1:30001"),
    ],
    ids=[
        "all answer at once",
        "all answer",
        "one has answered",
        "one fails at first",
        "one fails",
        "nothing known",
        "none yet",
        "none",
        "the way is cut",
        "probing off",
        "ClusterIP",
        "UDP only",
    ],
)
def test_ready_and_reachable(
    seen: Seen, ready: ConditionValues, reachable: ConditionValues, url: str
) -> None:
    status = compute(seen)
    assert condition_values(seen) == ready
    assert condition_values(seen, "Reachable") == reachable
    assert status.url == url
    # The pods and the Service are well all the same.
    assert (
        condition_values(seen, "WorkloadAvailable")[0]
        == condition_values(seen, "ServiceReady")[0]
        == "True"
    )
    # WaitingForAnswer ends by itself; Unreachable does not, and no change of the spec helps.
    waiting = ready[1] == Reason.WAITING_FOR_ANSWER
    assert is_reconciling(status) is awaits_first_probe(status) is waiting
    assert condition(status, "Stalled") is None
    if waiting:
        assert condition_values(seen, "Reconciling") == ("True", *WAITING)


REFUSAL = Problem(Reason.FORBIDDEN, "The server's words.", "Service")


@pytest.mark.parametrize(
    ("seen", "ready", "reachable"),
    [
        (probed(OK, OK, seen=STOPPED), ("True", "ScaledToZero"), NO_PODS),
        (probed(None, None, seen=STOPPED), ("True", "ScaledToZero"), NO_PODS),
        (probed(LATE, LATE, LONG, STOPPED), ("True", "ScaledToZero"), NO_PODS),
        (probed(OK, OK, seen=TWO), ("False", "Progressing"), ANSWERS),
        (probed(LATE, REFUSED, LONG, TWO), ("False", "Progressing"), ("False", *NONE)),
        (
            probed(LATE, REFUSED, LONG, replace(WELL, problems=[REFUSAL])),
            ("False", "Forbidden"),
            ("False", *NONE),
        ),
        (replace(WELL, nodes=[]), ("False", "NoEligibleNode"), NOT_PROBED),
    ],
    ids=[
        "stopped, and still answers",
        "stopped, nothing known",
        "stopped, none answers",
        "pods are missing",
        "pods are missing, none answers",
        "a problem, none answers",
        "no node",
    ],
)
def test_what_goes_before_the_answers(
    seen: Seen, ready: tuple[str, str], reachable: ConditionValues
) -> None:
    assert condition_values(seen)[:2] == ready
    assert condition_values(seen, "Reachable") == reachable


# --- what is written, and when --------------------------------------------------------------------


@pytest.mark.parametrize(
    "seen",
    [
        WELL,
        probed(OK, OK),
        probed(OK, REFUSED, LONG),
        probed(None, None),
        probed(LATE, REFUSED, LONG),
        probed(CUT, CUT),
    ],
    ids=["not tried", "all answer", "some answer", "none yet", "none", "the way is cut"],
)
def test_the_same_answers_change_nothing(seen: Seen) -> None:
    first = compute(seen)
    later = replace(seen, previous=first, now=NOW, waited=seen.waited + 0.9)
    assert compute(later) == first
    assert status_patch(first, compute(later)) == {}


@pytest.mark.parametrize(
    "seen",
    [
        probed(OK, OK),
        probed(OK, REFUSED, LONG),
        probed(REFUSED, OK, LONG),
        probed(LATE, REFUSED, LONG),
        probed(CUT, CUT),
    ],
    ids=[
        "all answered",
        "the second failed",
        "the first failed",
        "none answered",
        "the way is cut",
    ],
)
def test_a_restart_changes_nothing(seen: Seen) -> None:
    first = compute(seen)
    later = replace(probed(None, None, 0.0), previous=first, now=NOW)
    assert status_patch(first, compute(later)) == {}


def test_a_transition_has_its_time() -> None:
    first = compute(probed(OK, OK))
    later = compute(replace(probed(OK, REFUSED, LONG), previous=first, now=NOW))
    times = {condition.type: condition.last_transition_time for condition in later.conditions or ()}
    assert (times["Ready"], times["Reachable"]) == (BEFORE, NOW)


PODS = [Endpoint(name, ready=True, terminating=False) for name in "pq"]
TWO_READY = replace(TWO, deployment=deployment_body(2), endpoints=PODS)
WAIT, ANSWER = probed(None, None, seen=TWO_READY), probed(OK, OK, seen=TWO_READY)


@pytest.mark.parametrize(
    ("before", "after", "urgent"),
    [
        (TWO, WAIT, False),
        (WAIT, probed(REFUSED, None, seen=TWO_READY), False),
        (WAIT, ANSWER, True),
        (ANSWER, TWO, True),
        (probed(None, None), probed(OK, None), True),
        (probed(OK, OK), probed(OK, REFUSED, LONG), True),
        (probed(OK, REFUSED, LONG), probed(OK, OK), True),
        (probed(OK, OK), probed(LATE, REFUSED, LONG), True),
        (probed(None, None), probed(LATE, REFUSED, LONG), True),
        (probed(OK, REFUSED, LONG), probed(OK, LATE, LONG), False),
        (probed(LATE, REFUSED, LONG), probed(LATE, LATE, LONG), False),
    ],
    ids=[
        "the pods are ready, and no URL answers yet",
        "nor does the first one, so the second is `url`",
        "then all answer",
        "a pod is ready no more",
        "the first answers",
        "one fails",
        "all answer again",
        "none answers any more",
        "none has answered in time",
        "one fails otherwise",
        "none answers otherwise",
    ],
)
def test_is_urgent(before: Seen, after: Seen, urgent: bool) -> None:
    first = compute(before)
    status = compute(replace(after, previous=first, now=NOW))
    assert status_patch(first, status)
    assert is_urgent(first, status) is urgent


# --- what was left out ----------------------------------------------------------------------------


def test_what_is_not_tried_is_told() -> None:
    seen = replace(
        WELL, answers=ProbeResults(None, {}, not_probed="UDP and SCTP ports cannot be probed.")
    )
    expected = ("Unknown", "NotProbed", "UDP and SCTP ports cannot be probed.")
    assert condition_values(seen, "Reachable") == expected
    assert condition_values(seen) == AVAILABLE


def test_a_changed_app_waits_for_a_new_answer() -> None:
    before = compute(probed(OK, OK))
    stale = ProbeResults(0.0, {A: OK, B: OK}, frozenset({A, B}), 50.0)
    later = replace(WELL, generation=8, previous=before)
    assert condition_values(replace(later, answers=stale, waited=60.0)) == AVAILABLE
    only_fresh = replace(later, answers=stale.only_fresh(), waited=10.0)
    assert condition_values(only_fresh) == ("False", *WAITING)
    assert condition_values(only_fresh, "Reachable") == ("Unknown", *WAITING)
