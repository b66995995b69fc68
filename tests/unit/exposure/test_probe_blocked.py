# SPDX-License-Identifier: Apache-2.0
"""A blocked probe says nothing about its app, and does not make it unreachable."""

from dataclasses import replace

import pytest

from exposedapp.api.app import Condition
from exposedapp.exposure.probe_blocked import LOOPBACK, WAY_CUT
from exposedapp.exposure.probes import ProbeOutcome, ProbeResult, ProbeResults
from exposedapp.exposure.reachability import FIRST_ANSWER_GRACE_SECONDS, Reachability, evaluate
from support.probes import LATE, OK, REFUSED, http_error
from support.snapshots import BEFORE

A, B = "http://10.0.0.1:30001", "http://10.0.0.2:30001"
METRICS = "http://10.0.0.1:30002"
HOST, OTHER_PORT = "http://203.0.113.7:30001", "http://203.0.113.7:30002"
CUT, OWN_NODE = replace(LATE, blocked=True), LATE
REJECTED = replace(REFUSED, blocked=True)
UNKNOWN_HOST = ProbeResult(ProbeOutcome.UNKNOWN_HOST)
LONG = FIRST_ANSWER_GRACE_SECONDS
Known = dict[str, ProbeResult | None]


def condition(status: str, reason: str) -> Condition:
    body = {"type": "Reachable", "status": status, "reason": reason, "message": "As before."}
    return Condition.model_validate({**body, "lastTransitionTime": BEFORE, "observedGeneration": 1})


def evaluated(results: ProbeResults, previous: Condition | None = None) -> tuple[str, str, str]:
    reachability: Reachability = evaluate(results, previous, LONG)
    return reachability.status, str(reachability.reason), reachability.message


# --- the way is cut -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("by_url", "reason"),
    [
        ({A: CUT, B: CUT}, "ProbeBlocked"),
        ({A: REJECTED, B: CUT}, "ProbeBlocked"),
        ({A: CUT, B: replace(LATE, blocked=False)}, "Unreachable"),
        ({A: CUT, B: replace(REFUSED, blocked=False)}, "Unreachable"),
        ({A: CUT, B: OK}, "SomeUnreachable"),
        ({A: CUT, B: None}, "WaitingForAnswer"),
        ({A: CUT, B: OWN_NODE}, "ProbeBlocked"),
        ({A: OWN_NODE, B: OWN_NODE}, "Unreachable"),
        ({A: CUT, B: http_error(503)}, "Unreachable"),
        ({A: CUT, B: CUT, METRICS: OK}, "Unreachable"),
        ({A: CUT, B: CUT, METRICS: None}, "ProbeBlocked"),
    ],
    ids=[
        "all is dropped",
        "refused and dropped",
        "one kubelet answers",
        "one node refuses",
        "one URL answers",
        "one URL is not known",
        "the operator's own node",
        "the operator's own node only",
        "one app reports an error",
        "another port answers",
        "another port is not known",
    ],
)
def test_a_way_that_is_cut(by_url: Known, reason: str) -> None:
    results = ProbeResults(0.0, by_url, main=frozenset({A, B}))
    assert evaluated(results)[1] == reason
    assert (evaluated(results)[2] == WAY_CUT) is (reason == "ProbeBlocked")


def test_it_is_said_at_once() -> None:
    """Waiting for an answer would not change the result."""
    assert evaluate(ProbeResults(0.0, {A: CUT}), None, 0.0).reason == "ProbeBlocked"


def test_a_restart_does_not_change_it() -> None:
    blocked, unknown = condition("Unknown", "ProbeBlocked"), ProbeResults(0.0, {A: None, B: None})
    assert evaluated(unknown, blocked) == ("Unknown", "ProbeBlocked", "As before.")
    # Another spec: the former condition is about the former spec.
    assert evaluated(replace(unknown, fresh_only=True), blocked)[1] == "WaitingForAnswer"


def test_the_way_is_open_again() -> None:
    blocked = condition("Unknown", "ProbeBlocked")
    assert evaluated(ProbeResults(0.0, {A: OK, B: None}), blocked)[:2] == ("True", "Answers")
    assert evaluated(ProbeResults(0.0, {A: REFUSED}), blocked)[:2] == ("False", "Unreachable")


# --- a host that stands for the nodes -------------------------------------------------------------


def with_host(by_url: Known, *, main: bool = True, before: str = "") -> ProbeResults:
    return ProbeResults(
        0.0,
        by_url,
        main=frozenset({HOST}) if main else frozenset(),
        stand_ins=frozenset({A, B}),
        answered_before=frozenset({before}),
    )


@pytest.mark.parametrize(
    ("by_url", "status", "reason"),
    [
        ({HOST: OK, A: OK, B: OK}, "True", "Answers"),
        ({HOST: OK, A: LATE, B: REFUSED}, "True", "Answers"),
        ({HOST: OK, OTHER_PORT: REFUSED, A: LATE, B: OK}, "False", "SomeUnreachable"),
        ({HOST: LATE, A: OK, B: OK}, "Unknown", "ProbeBlocked"),
        ({HOST: REFUSED, A: OK, B: None}, "Unknown", "ProbeBlocked"),
        ({HOST: UNKNOWN_HOST, A: LATE, B: OK}, "Unknown", "ProbeBlocked"),
        ({HOST: http_error(502), A: OK, B: OK}, "False", "Unreachable"),
        ({HOST: None, A: OK, B: OK}, "Unknown", "WaitingForAnswer"),
        ({HOST: LATE, A: None, B: None}, "Unknown", "WaitingForAnswer"),
        ({HOST: LATE, A: REFUSED, B: REFUSED}, "False", "Unreachable"),
        ({HOST: LATE, A: CUT, B: CUT}, "Unknown", "ProbeBlocked"),
    ],
    ids=[
        "all answer",
        "the host answers",
        "one port of the host",
        "NAT without hairpin",
        "refused inside",
        "known to the users' DNS only",
        "a load balancer that reports an error",
        "the host is not known yet",
        "the nodes are not known yet",
        "nothing listens",
        "the way is cut",
    ],
)
def test_a_host_that_cannot_be_tried(by_url: Known, status: str, reason: str) -> None:
    """for-mac#3144, cert-manager#863."""
    assert evaluated(with_host(by_url))[:2] == (status, reason)


def test_what_is_said_of_the_host() -> None:
    assert evaluated(with_host({HOST: LATE, A: OK, B: OK}))[2] == (
        "The nodes answer at their own addresses, tried from the operator's pod, and the host that "
        f"stands for them does not: {HOST}: timed out. Whether it answers elsewhere is not known."
    )
    listed = evaluated(with_host({HOST: OK, OTHER_PORT: REFUSED, A: LATE}))[2]
    assert listed.startswith("1 of 2 node URLs answer")


def test_a_host_that_has_answered_before_is_down() -> None:
    results = with_host({HOST: LATE, A: OK, B: OK}, before=HOST)
    assert evaluated(results)[:2] == ("False", "Unreachable")


@pytest.mark.parametrize(
    ("by_url", "status", "reason"),
    [
        ({A: OK, B: None}, "Unknown", "ProbeBlocked"),
        ({A: None, B: None}, "Unknown", "WaitingForAnswer"),
        ({A: REFUSED, B: REFUSED}, "False", "Unreachable"),
        ({A: CUT, B: CUT}, "Unknown", "ProbeBlocked"),
    ],
)
def test_localhost_has_the_nodes_in_its_place(by_url: Known, status: str, reason: str) -> None:
    results = replace(with_host(by_url, main=False), not_probed="Not probed: localhost URLs.")
    assert evaluated(results)[:2] == (status, reason)
    if by_url[A] == OK:
        assert evaluated(results)[2] == f"{LOOPBACK} Not probed: localhost URLs."
