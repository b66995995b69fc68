# SPDX-License-Identifier: Apache-2.0
"""When a status is written, and how often the pods are polled."""

from itertools import pairwise

import pytest

from exposedapp.api.meta import Json
from exposedapp.kube.errors import ApiError
from exposedapp.reconcile.conflict_budget import CONFLICT_PERIOD_SECONDS, MAX_CONFLICTING_WRITES
from exposedapp.reconcile.pod_poller import INITIAL_POLL_SECONDS, MAX_POLL_SECONDS
from exposedapp.reconcile.reconciler import DELETION_CHECK_SECONDS
from exposedapp.reconcile.status_writer import STATUS_DEBOUNCE
from support.harness import AWAY, BUSY, KEY, PODS, World
from support.objects import endpoint_body, node_body, pod_body, slice_body

PULLING = {"reason": "ImagePullBackOff", "message": "Back-off pulling"}
QUIET_SECONDS, MAX_WAIT_SECONDS = STATUS_DEBOUNCE

# --- changes that can wait ------------------------------------------------------------------------


def more_endpoints(world: World, count: int) -> None:
    """Pods of an older ReplicaSet that come and go: a number in the status, and nothing else."""
    ready = [endpoint_body(f"p{i}", ready=True) for i in range(2)]
    others = [endpoint_body(f"q{i}", ready=False) for i in range(count)]
    world.slices = [slice_body("s", *ready, *others)]


async def test_minor_news_wait_for_quiet(running: World) -> None:
    more_endpoints(running, 1)
    assert await running.reconcile() == pytest.approx(QUIET_SECONDS)
    running.now += QUIET_SECONDS / 2
    more_endpoints(running, 2)
    assert await running.reconcile() == pytest.approx(QUIET_SECONDS)
    running.now += QUIET_SECONDS / 2
    # A reconcile without another change does not start the quiet time again.
    assert await running.reconcile() == pytest.approx(QUIET_SECONDS / 2)
    assert running.cluster.writes == []
    running.now += QUIET_SECONDS / 2
    assert await running.reconcile() is None
    assert running.cluster.writes == ["patch status"]
    assert running.status()["endpoints"] == {"ready": 2, "total": 4}


async def test_minor_news_wait_no_longer_than_so_long(running: World) -> None:
    start = running.now
    for count in range(1, 100):
        more_endpoints(running, count)
        await running.reconcile()
        if running.cluster.writes:
            break
        running.now += QUIET_SECONDS / 2
    assert running.now - start == pytest.approx(MAX_WAIT_SECONDS)


async def test_minor_news_that_are_taken_back_are_never_written(running: World) -> None:
    more_endpoints(running, 1)
    await running.reconcile()
    more_endpoints(running, 0)
    assert await running.reconcile() is None
    running.now += MAX_WAIT_SECONDS
    await running.reconcile()
    assert running.cluster.writes == []
    # And the next ones have the full wait again.
    more_endpoints(running, 1)
    assert await running.reconcile() == pytest.approx(QUIET_SECONDS)


async def test_urgent_news_take_the_minor_ones_along(running: World) -> None:
    more_endpoints(running, 1)
    await running.reconcile()
    running.nodes[1] = node_body("b", ready=False)
    assert await running.reconcile() is None
    assert running.cluster.writes == ["patch status"]
    assert running.status()["urls"] == ["http://10.0.0.1:30000"]
    assert running.status()["endpoints"]["total"] == 3


# --- pods are polled only while they are not as desired -------------------------------------------


async def test_the_pods_of_a_ready_app_are_not_asked(running: World) -> None:
    for _ in range(5):
        running.now += MAX_POLL_SECONDS
        await running.reconcile()
    assert running.cluster.requests == []


async def test_pods_that_do_not_start_are_looked_at_more_and_more_rarely(world: World) -> None:
    world.app(replicas=2)
    await world.reconcile()
    world.run_pods(ready=0, total=2)
    polled_at = [world.now]
    step = INITIAL_POLL_SECONDS / 2
    while world.now < polled_at[0] + 300:
        # Events that come all the time do not lead to an earlier poll.
        world.now += step
        world.cluster.requests.clear()
        await world.reconcile()
        polled_at += [world.now] * world.cluster.requests.count(PODS)
    pauses = [later - earlier for earlier, later in pairwise(polled_at)]
    assert pauses[0] == INITIAL_POLL_SECONDS
    assert pauses == sorted(pauses)
    assert pauses[-1] == MAX_POLL_SECONDS
    assert len(pauses) < 20


async def test_what_the_pods_say_is_told_until_they_are_ready(world: World) -> None:
    pull = {"reason": "ErrImagePull", "message": "not found"}
    world.cluster.pod_list = [pod_body("web-1", waiting=pull)]
    world.app(replicas=1)
    await world.reconcile()
    world.run_pods(ready=0, total=1)
    world.now += INITIAL_POLL_SECONDS
    await world.reconcile()
    assert world.ready() == ("False", "ImagePullBackOff")
    assert "Pod web-1: not found" in world.message()
    world.run_pods(ready=1)
    assert await world.reconcile() is None
    assert world.ready() == ("True", "Available")
    # When they fail again, the next poll is soon, and the former message is not repeated.
    world.run_pods(ready=0, total=1)
    assert await world.reconcile() == INITIAL_POLL_SECONDS
    assert world.ready() == ("False", "Progressing")


async def test_another_spec_starts_anew(world: World) -> None:
    pull = {"reason": "ErrImagePull", "message": "not found"}
    world.cluster.pod_list = [pod_body("web-1", waiting=pull)]
    world.app(replicas=1)
    await world.reconcile()
    world.now += INITIAL_POLL_SECONDS
    await world.reconcile()
    assert world.ready() == ("False", "ImagePullBackOff")
    world.app(replicas=1, image="registry.example/web:2")
    assert await world.reconcile() == INITIAL_POLL_SECONDS
    assert world.ready() == ("False", "Progressing")


async def test_a_restart_with_pods_in_trouble_writes_nothing(world: World) -> None:
    world.app(replicas=1)
    await world.reconcile()
    world.cluster.pod_list = [pod_body("web-1", waiting=PULLING)]
    world.now += INITIAL_POLL_SECONDS
    await world.reconcile()
    assert world.ready() == ("False", "ImagePullBackOff")
    world.restart()
    world.cluster.writes.clear()
    await world.reconcile()
    assert world.cluster.writes == []


async def test_pods_that_cannot_be_listed_once_are_not_well(world: World) -> None:
    world.app(replicas=1)
    await world.reconcile()
    world.cluster.pod_list = [pod_body("web-1", waiting=PULLING)]
    world.now += INITIAL_POLL_SECONDS
    await world.reconcile()
    world.cluster.fail(PODS, BUSY)
    world.now += MAX_POLL_SECONDS
    await world.reconcile()
    assert world.ready() == ("False", "ImagePullBackOff")


async def test_the_steps_of_a_slow_rollout_are_not_written_one_by_one(world: World) -> None:
    world.app(replicas=8)
    await world.reconcile()
    world.cluster.writes.clear()
    for ready in range(8):
        world.run_pods(ready=ready, total=8)
        await world.reconcile()
        world.now += 2
        await world.reconcile()
    world.run_pods(ready=8)
    await world.reconcile()
    assert world.ready() == ("True", "Available")
    assert len(world.cluster.writes) <= 2


# --- another client that writes the status, too ---------------------------------------------------


def overwrite_status(world: World) -> None:
    """As another operator does that has other URLs."""

    def change(body: Json) -> None:
        body["status"]["url"] = "http://192.0.2.1:30000"
        body["status"]["conditions"][0]["reason"] = "Unreachable"

    world.cluster.edit("ExposedApp", *KEY, change)


async def test_a_status_that_is_always_overwritten_is_written_once_a_minute(
    running: World, caplog: pytest.LogCaptureFixture
) -> None:
    end, url = running.now + 3600, running.status()["url"]
    running.cluster.edit("ExposedApp", *KEY, lambda body: body["status"].pop("url"))
    await running.reconcile()
    assert running.status()["url"] == url
    running.cluster.writes.clear()
    while running.now < end:
        overwrite_status(running)
        requeue_after = await running.reconcile()
        if running.status()["url"] != url:
            assert requeue_after is not None
            assert requeue_after <= CONFLICT_PERIOD_SECONDS
        running.now += 2
    writes = running.cluster.writes.count("patch status")
    assert 60 <= writes <= 60 + MAX_CONFLICTING_WRITES
    assert caplog.text.count("another client keeps changing the status") == 1
    # After some time without the other client the first writes are quick again.
    running.now += MAX_CONFLICTING_WRITES * CONFLICT_PERIOD_SECONDS
    await running.settle()
    assert running.status()["url"] == url
    overwrite_status(running)
    await running.reconcile()
    assert running.status()["url"] == url


async def test_another_spec_is_answered_at_once_whoever_writes_the_status(running: World) -> None:
    for _ in range(10):
        overwrite_status(running)
        await running.reconcile()
    running.app(replicas=2, ports=[{"port": 81, "targetPort": 80}])
    await running.reconcile()
    assert running.status()["observedGeneration"] == 2


async def test_own_changes_are_no_conflict(running: World) -> None:
    running.cluster.writes.clear()
    for turn in range(10):
        running.nodes[1] = node_body("b", "10.0.0.2", ready=bool(turn % 2))
        await running.reconcile()
    assert running.cluster.writes == ["patch status"] * 10


async def test_after_a_conflict_the_retry_has_the_newest_app(world: World) -> None:
    """The event of the app may come much later."""
    world.app()
    world.cluster.before["patch status"] = lambda: world.app(replicas=1)
    assert await world.reconcile() == 0.0, "it does not back off: the spec is another one"
    result = await world.reconciler.reconcile(KEY)  # the watch delivers nothing
    assert not result.backoff, result.message
    assert world.status()["observedGeneration"] == 2


@pytest.mark.parametrize("error", [AWAY, BUSY])
async def test_after_a_conflict_the_newest_app_cannot_be_read(
    world: World, error: ApiError
) -> None:
    world.app()
    world.cluster.before["patch status"] = lambda: world.app(replicas=1)
    world.cluster.fail("get ExposedApp", error)
    await world.fails()
    await world.reconcile()
    assert world.status()["observedGeneration"] == 2


async def test_after_a_conflict_the_app_is_deleted(world: World) -> None:
    world.app()
    world.cluster.fail("patch status", ApiError(409, "Conflict", "modified"))
    world.cluster.before["get ExposedApp"] = lambda: world.cluster.remove("ExposedApp", *KEY)
    assert await world.reconcile() == DELETION_CHECK_SECONDS
