# SPDX-License-Identifier: Apache-2.0
"""The condition Ready in every situation, and which other conditions there are."""

from dataclasses import replace
from typing import Any

import pytest

from exposedapp.api.app import ExposedAppStatus
from exposedapp.api.conditions import Reason
from exposedapp.api.meta import Json
from exposedapp.exposure.endpoints import Endpoint
from exposedapp.status.observation import PodFailure, Problem
from exposedapp.status.queries import ready_condition
from exposedapp.status.rollout import rollout_complete
from support.objects import deployment_body, node
from support.snapshots import (
    BEFORE,
    NORMAL,
    NOW,
    STOPPED,
    TWO,
    WELL,
    Seen,
    compute,
    condition,
    condition_values,
)

PARTS = ["Ready", "WorkloadAvailable", "ServiceReady", "Reachable"]


def kinds(status: ExposedAppStatus) -> list[str]:
    return [condition.type for condition in status.conditions or ()]


@pytest.mark.parametrize(
    ("reason", "child"),
    [
        (Reason.INVALID_SPEC, None),
        (Reason.NOT_OWNED, "Deployment"),
        (Reason.NOT_OWNED, "Service"),
        (Reason.NODE_PORT_CONFLICT, "Service"),
        (Reason.NODE_PORTS_EXHAUSTED, "Service"),
        (Reason.QUOTA_EXCEEDED, "Deployment"),
        (Reason.FORBIDDEN, "Service"),
    ],
)
@pytest.mark.parametrize(
    "seen",
    [
        WELL,
        STOPPED,
        replace(STOPPED, nodes=[]),
        replace(WELL, pod_failure=PodFailure(Reason.IMAGE_PULL, "")),
    ],
    ids=["running", "stopped", "no node", "pods in trouble"],
)
def test_a_problem(seen: Seen, reason: Reason, child: Any) -> None:
    # A problem comes first: nothing else heals before it does.
    seen = replace(seen, problems=[Problem(reason, "The server's words.", child)])
    expected = ("False", reason.value, "The server's words.")
    assert condition_values(seen) == expected
    assert condition_values(seen, "Stalled") == ("True", *expected[1:])
    assert condition(compute(seen), "Reconciling") is None
    for kind, part in (("WorkloadAvailable", "Deployment"), ("ServiceReady", "Service")):
        assert (condition_values(seen, kind) == expected) is (child in (part, None))


def test_the_first_of_two_problems_is_told() -> None:
    seen = replace(
        WELL,
        problems=[
            Problem(Reason.QUOTA_EXCEEDED, "No more pods.", "Deployment"),
            Problem(Reason.NODE_PORT_CONFLICT, "30008 is taken.", "Service"),
        ],
    )
    assert condition_values(seen)[1:] == ("QuotaExceeded", "No more pods.")
    assert condition_values(seen, "ServiceReady")[1:] == ("NodePortConflict", "30008 is taken.")


def test_a_spec_that_could_not_be_parsed() -> None:
    seen = replace(
        WELL, spec=None, problems=[Problem(Reason.INVALID_SPEC, "spec.ports: Field required")]
    )
    assert condition_values(seen) == ("False", "InvalidSpec", "spec.ports: Field required")
    # The pods of the previous spec still run, at the same URLs.
    assert compute(seen).url == "http://10.0.0.1:30001"


def failing(kind: str, status: str, message: str) -> Json:
    return deployment_body(2, 1, conditions=[{"type": kind, "status": status, "message": message}])


REFUSED = 'pods "web-1" is forbidden: exceeded quota: small'
LATE = 'ReplicaSet "web-1" has timed out progressing.'


@pytest.mark.parametrize(
    ("seen", "reason", "message"),
    [
        (TWO, "Progressing", "1 of 2 pods are ready."),
        (
            replace(TWO, pod_failure=PodFailure(Reason.UNSCHEDULABLE, "0/3 nodes are available.")),
            "Unschedulable",
            "1 of 2 pods are ready. 0/3 nodes are available.",
        ),
        (
            replace(TWO, pod_failure=PodFailure(Reason.IMAGE_PULL, "")),
            "ImagePullBackOff",
            "1 of 2 pods are ready.",
        ),
        (
            replace(TWO, deployment=failing("ReplicaFailure", "True", REFUSED)),
            "FailedCreate",
            f"1 of 2 pods are ready. {REFUSED}",
        ),
        (
            replace(TWO, deployment=failing("Progressing", "False", LATE)),
            "ProgressDeadlineExceeded",
            f"1 of 2 pods are ready. {LATE}",
        ),
        (
            # The pod failure is more precise than the condition of the Deployment.
            replace(
                TWO,
                deployment=failing("Progressing", "False", LATE),
                pod_failure=PodFailure(Reason.CRASH_LOOP, "It ends."),
            ),
            "CrashLoopBackOff",
            "1 of 2 pods are ready. It ends.",
        ),
        (
            replace(TWO, deployment=failing("ReplicaFailure", "False", REFUSED)),
            "Progressing",
            "1 of 2 pods are ready.",
        ),
        (
            replace(TWO, deployment=failing("Progressing", "True", "on its way")),
            "Progressing",
            "1 of 2 pods are ready.",
        ),
        (
            # All pods are ready, but they are those of the old template.
            replace(WELL, deployment=deployment_body(updatedReplicas=0)),
            "Progressing",
            "1 of 1 pods are ready. 0 of 1 are updated.",
        ),
        (
            # One more than desired: an old pod still exists.
            replace(WELL, deployment=deployment_body(1, 2, replicas=2)),
            "Progressing",
            "1 of 1 pods are ready. 1 old pod is pending termination.",
        ),
        (
            replace(WELL, deployment=deployment_body(observedGeneration=2)),
            "Progressing",
            "1 of 1 pods are ready.",
        ),
        (replace(WELL, deployment=None), "Progressing", "There is no Deployment yet."),
        (replace(WELL, service=None), "Progressing", "There is no Service yet."),
        (replace(STOPPED, service=None), "Progressing", "There is no Service yet."),
        (
            replace(WELL, deployment=None, waiting={"Deployment": "The old one is going."}),
            "Progressing",
            "The old one is going.",
        ),
        (
            replace(WELL, service=None, waiting={"Service": "The old one is going."}),
            "Progressing",
            "The old one is going.",
        ),
        (
            replace(WELL, endpoints=[Endpoint("p", ready=False, terminating=False)]),
            "Progressing",
            "0 of 1 pods get traffic from the Service.",
        ),
        (
            replace(WELL, endpoints=[]),
            "Progressing",
            "0 of 1 pods get traffic from the Service.",
        ),
    ],
    ids=[
        "pods missing",
        "pod unschedulable",
        "trouble without a message",
        "FailedCreate",
        "ProgressDeadlineExceeded",
        "pods before Deployment",
        "FailedCreate is over",
        "no deadline passed",
        "old template",
        "old pod left",
        "not yet observed",
        "no Deployment",
        "no Service",
        "no Service while stopped",
        "Deployment waits",
        "Service waits",
        "endpoint not ready",
        "no endpoint",
    ],
)
def test_not_yet_as_wanted(seen: Seen, reason: str, message: str) -> None:
    assert condition_values(seen) == ("False", reason, message)
    assert condition_values(seen, "Reconciling") == ("True", reason, message)
    assert condition(compute(seen), "Stalled") is None


def test_available() -> None:
    assert condition_values(WELL) == ("True", "Available", "1 of 1 pods are ready.")
    assert condition_values(WELL, "WorkloadAvailable") == (
        "True",
        "Available",
        "1 of 1 pods are ready.",
    )
    assert condition_values(WELL, "ServiceReady") == (
        "True",
        "Available",
        "1 of 1 pods get traffic.",
    )
    assert kinds(compute(WELL)) == PARTS


def test_scaled_to_zero() -> None:
    assert condition_values(STOPPED)[:2] == ("True", "ScaledToZero")
    assert condition_values(STOPPED, "WorkloadAvailable")[:2] == ("True", "ScaledToZero")
    assert condition_values(STOPPED, "ServiceReady")[:2] == ("True", "ScaledToZero")
    assert kinds(compute(STOPPED)) == PARTS
    # The address is kept.
    assert compute(STOPPED).url == "http://10.0.0.1:30001"


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        ([], "there are no nodes"),
        ([node("a", ready=False)], "1 not ready"),
        (
            [node("a", ready=False), node("b", deleting=True), node("c", ready=False)],
            "1 being deleted, 2 not ready",
        ),
        (
            [node("a", ("InternalIP", "fd00::1"))],
            "1 without an IPv4 address of type ExternalIP or InternalIP",
        ),
    ],
    ids=["none", "one", "of each", "of another family"],
)
def test_no_eligible_node(nodes: list[Any], message: str) -> None:
    seen = replace(WELL, nodes=nodes)
    expected = f"No eligible node: {message}."
    assert condition_values(seen) == ("False", "NoEligibleNode", expected)
    # Nothing is under way, and nothing is wrong with the spec.
    assert kinds(compute(seen)) == PARTS
    assert compute(seen).url is None
    assert compute(seen).urls is None


def test_stopped_and_without_a_node_is_still_as_wanted() -> None:
    assert condition_values(replace(STOPPED, nodes=[]))[:2] == ("True", "ScaledToZero")


@pytest.mark.parametrize(
    ("deployment", "complete"),
    [
        (deployment_body(2), True),
        (deployment_body(0), True),
        (deployment_body(2, 1), False),
        (deployment_body(2, replicas=3), False),
        (deployment_body(2, updatedReplicas=1), False),
        (deployment_body(1, observedGeneration=2), False),
        ({"metadata": {"generation": 1}, "spec": {"replicas": 1}, "status": {}}, False),
        ({"metadata": {"generation": 1}, "spec": {"replicas": 0}}, False),
    ],
    ids=[
        "complete",
        "none wanted",
        "not available",
        "one too many",
        "an old one",
        "not observed",
        "no status yet",
        "no status at all",
    ],
)
def test_rollout_complete(deployment: Json, complete: bool) -> None:
    assert rollout_complete(deployment) is complete


# --- times and generations ------------------------------------------------------------------------


def test_the_same_again_is_equal() -> None:
    first = compute(WELL)
    assert compute(replace(WELL, previous=first, now=NOW)) == first


def test_a_transition_has_the_time_it_happened_at() -> None:
    first = compute(WELL)
    later = compute(replace(TWO, previous=first, now=NOW))
    times = {condition.type: condition.last_transition_time for condition in later.conditions or ()}
    assert times == {
        "Ready": NOW,
        "WorkloadAvailable": NOW,
        "ServiceReady": NOW,
        "Reachable": BEFORE,
        "Reconciling": NOW,
    }


def test_another_reason_is_no_transition() -> None:
    first = compute(TWO)
    crash = replace(
        TWO, previous=first, pod_failure=PodFailure(Reason.CRASH_LOOP, "It ends."), now=NOW
    )
    ready = ready_condition(compute(crash))
    assert ready is not None
    assert (ready.reason, ready.last_transition_time) == ("CrashLoopBackOff", BEFORE)


def test_reconciling_and_stalled_come_and_go() -> None:
    first = compute(TWO)
    assert "Reconciling" in kinds(first)
    stalled = compute(
        replace(TWO, previous=first, problems=[Problem(Reason.FORBIDDEN, "No.", "Service")])
    )
    assert [kind for kind in kinds(stalled) if kind in ("Reconciling", "Stalled")] == ["Stalled"]
    well = compute(replace(WELL, previous=stalled))
    assert not {"Reconciling", "Stalled"} & set(kinds(well))


def test_everything_answers_the_generation_that_was_read() -> None:
    status = compute(WELL)
    assert status.observed_generation == 7
    assert {condition.observed_generation for condition in status.conditions or ()} == {7}


def test_summary() -> None:
    assert ready_condition(NORMAL) is None
    ready = ready_condition(compute(WELL))
    assert ready is not None
    assert ready.type == "Ready"
