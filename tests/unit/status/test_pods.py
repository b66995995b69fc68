# SPDX-License-Identifier: Apache-2.0
"""Why a pod does not start, in the messages of Kubernetes."""

import copy
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exposedapp.api.conditions import Reason
from exposedapp.api.meta import Json
from exposedapp.status.container_failures import MIN_STABLE_RUN_SECONDS, WAITING_REASONS
from exposedapp.status.observation import PodFailure
from exposedapp.status.pods import deciding_pods, pod_failure, unexplained_pod
from support.objects import pod_body
from support.snapshots import BEFORE


@pytest.mark.parametrize(("word", "reason"), WAITING_REASONS.items())
def test_every_cause_has_a_word_of_the_closed_list(word: str, reason: Reason) -> None:
    failure = pod_failure([pod_body("web-1", waiting={"reason": word, "message": "Its words."})])
    # The kubelet's message on a crash loop is how long it waits.
    words = "the container is crash looping" if word == "CrashLoopBackOff" else "Its words."
    assert failure == PodFailure(reason, f"Pod web-1: {words}")


UNSCHEDULABLE: Json = {
    "type": "PodScheduled",
    "status": "False",
    "reason": "Unschedulable",
    "message": "0/3 nodes are available: 3 Insufficient cpu.",
}
PULL: Json = {"reason": "ImagePullBackOff", "message": "Back-off pulling image"}
CRASH: Json = {
    "reason": "CrashLoopBackOff",
    "message": "back-off 40s restarting failed container=app pod=web-1_shop(uid)",
}


@pytest.mark.parametrize(
    ("pods", "expected"),
    [
        ([], None),
        ([pod_body("web-1")], None),
        ([pod_body("web-1", waiting={"reason": "ContainerCreating"})], None),
        ([pod_body("web-1", waiting={"reason": "PodInitializing"})], None),
        (
            [pod_body("web-1", waiting={"reason": "CreateContainerConfigError"})],
            PodFailure(Reason.CONTAINER_CONFIG, "Pod web-1: CreateContainerConfigError"),
        ),
        (
            # The seconds of the back-off change at every attempt; how the container ended does not.
            [pod_body("web-1", waiting=CRASH, last={"reason": "Error", "exitCode": 3})],
            PodFailure(
                Reason.CRASH_LOOP,
                "Pod web-1: the container is crash looping (Error, exit code 3)",
            ),
        ),
        (
            [
                pod_body(
                    "web-1",
                    waiting=CRASH,
                    last={"reason": "OOMKilled", "exitCode": 137, "message": "no memory\n"},
                )
            ],
            PodFailure(
                Reason.CRASH_LOOP,
                "Pod web-1: the container is crash looping (OOMKilled, exit code 137, no memory "
                "limit: its node ran out of memory): no memory",
            ),
        ),
        (
            [pod_body("web-1", waiting=PULL, init=True, container="init")],
            PodFailure(Reason.IMAGE_PULL, "Pod web-1, init container init: Back-off pulling image"),
        ),
        (
            [pod_body("web-1", conditions=[UNSCHEDULABLE])],
            PodFailure(Reason.UNSCHEDULABLE, "0/3 nodes are available: 3 Insufficient cpu."),
        ),
        (
            [pod_body("web-1", conditions=[{"type": "PodScheduled", "status": "True"}])],
            None,
        ),
        (
            [
                pod_body("old", created="2026-01-01T00:00:00Z", conditions=[UNSCHEDULABLE]),
                pod_body("new", created="2026-01-01T00:00:01Z", waiting=PULL),
            ],
            PodFailure(Reason.IMAGE_PULL, "Pod new: Back-off pulling image"),
        ),
        (
            [
                pod_body("old", created="2026-01-01T00:00:00Z", waiting=PULL),
                pod_body("new", created="2026-01-01T00:00:01Z"),
            ],
            PodFailure(Reason.IMAGE_PULL, "Pod old: Back-off pulling image"),
        ),
        ([{"metadata": {"name": "web-1", "creationTimestamp": BEFORE}}], None),
    ],
    ids=[
        "no pods",
        "running",
        "starting",
        "init containers at work",
        "no message",
        "crash looping",
        "crash looping with output",
        "init container",
        "unschedulable",
        "scheduled",
        "the newest first",
        "then the older ones",
        "no status yet",
    ],
)
def test_pod_failure(pods: list[Json], expected: PodFailure | None) -> None:
    assert pod_failure(pods) == expected


ENDED: Json = {"reason": "Error", "exitCode": 3}


@pytest.mark.parametrize(
    ("pods", "expected"),
    [
        (
            [pod_body("web-1", restarts=1, last=ENDED)],
            PodFailure(
                Reason.PROGRESSING, "Pod web-1: the container restarted once (Error, exit code 3)"
            ),
        ),
        (
            [pod_body("web-1", restarts=2, last=ENDED)],
            PodFailure(
                Reason.CRASH_LOOP, "Pod web-1: the container is crash looping (Error, exit code 3)"
            ),
        ),
        (
            [pod_body("web-1", restarts=1, waiting=CRASH, last=ENDED)],
            PodFailure(
                Reason.CRASH_LOOP, "Pod web-1: the container is crash looping (Error, exit code 3)"
            ),
        ),
        ([pod_body("web-1", restarts=2, last=ENDED, ready=True)], None),
        (
            [
                pod_body("web-1", created="2026-01-01T00:00:00Z", waiting=PULL),
                pod_body("web-2", created="2026-01-01T00:00:01Z", restarts=1, last=ENDED),
            ],
            PodFailure(Reason.IMAGE_PULL, "Pod web-1: Back-off pulling image"),
        ),
    ],
    ids=["once", "repeatedly", "the kubelet says so", "ready again", "a lasting failure first"],
)
def test_a_restart_is_a_crash_loop_only_when_it_repeats(
    pods: list[Json], expected: PodFailure | None
) -> None:
    assert pod_failure(pods) == expected


# --- long lists -----------------------------------------------------------------------------------


LONG, SHORT = ("2026-01-01T00:10:00Z", "2026-01-01T00:09:59Z")


@pytest.mark.parametrize(
    ("end", "reason"), [(LONG, Reason.PROGRESSING), (SHORT, Reason.CRASH_LOOP)]
)
def test_a_container_that_ran_for_long_is_not_crash_looping(end: str, reason: Reason) -> None:
    """However often it has restarted: a node that was rebooted, a bug that shows once a week."""
    assert MIN_STABLE_RUN_SECONDS == 600
    last = {**ENDED, "startedAt": "2026-01-01T00:00:00Z", "finishedAt": end}
    failure = pod_failure([pod_body("web-1", restarts=7, last=last)])
    assert failure
    assert failure.reason == reason
    assert "7" not in failure.message


def test_a_pod_that_ended_long_ago_is_no_cause() -> None:
    evicted = pod_body("old", created="2026-01-01T00:00:00Z")
    evicted["status"] |= {"phase": "Failed", "reason": "Evicted"}
    starting = pod_body("new", created="2026-01-02T00:00:00Z")
    assert pod_failure([evicted, starting]) is None
    again = copy.deepcopy(evicted)
    again["metadata"]["name"] = "older"
    failure = pod_failure([evicted, again, starting])
    assert failure == PodFailure(Reason.PROGRESSING, "Pod older: Evicted")


def test_pods_that_end_one_after_the_other_have_one_failure() -> None:
    """The names of the pods must not cause a write each."""
    first = PodFailure(Reason.PROGRESSING, "Pod a: Evicted", "a", "Evicted", is_replaced=True)
    assert replace(first, message="Pod b: Evicted", pod="b").same_as(first)
    assert not replace(first, cause="OutOfcpu").same_as(first)
    assert not replace(first, pod="b", is_replaced=False).same_as(first)


@st.composite
def lists_of_pods(draw: st.DrawFn) -> list[Json]:
    """Pods of three versions of a template, of which some fail, and some are being deleted."""
    pods = []
    for number in range(draw(st.integers(0, 12))):
        pod = pod_body(
            f"web-{number}",
            created=f"2026-01-01T00:00:{draw(st.integers(0, 59)):02}Z",
            waiting=draw(st.sampled_from([None, PULL, CRASH])),
            restarts=draw(st.integers(0, 2)),
        )
        pod["metadata"]["labels"] = {"pod-template-hash": draw(st.sampled_from("abc"))}
        if draw(st.booleans()):
            pod["metadata"]["deletionTimestamp"] = BEFORE
        if draw(st.booleans()):
            pod["status"] |= {"phase": "Failed", "reason": "Evicted"}
        pods.append(pod)
    return pods


@given(lists_of_pods(), lists_of_pods())
def test_a_page_is_reduced_to_the_pods_that_decide(first: list[Json], second: list[Json]) -> None:
    for pod in second:
        pod["metadata"]["name"] += "-second"
    failure, whole = pod_failure([*deciding_pods(first), *second]), pod_failure([*first, *second])
    assert (failure and failure.reason) == (whole and whole.reason)
    unexplained, expected = (
        unexplained_pod([*deciding_pods(first), *second]),
        unexplained_pod([*first, *second]),
    )
    assert (unexplained and name_of(unexplained)) == (expected and name_of(expected))
    assert len(deciding_pods(first)) <= 5 * 3


def name_of(pod: Json) -> str:
    return str(pod["metadata"]["name"])
