# SPDX-License-Identifier: Apache-2.0
"""Events of a pod are read where its status is silent: late, of one pod, in one request."""

import pytest

from exposedapp.api.meta import Json
from exposedapp.kube.errors import ApiError
from exposedapp.reconcile.pod_poller import MAX_POLL_SECONDS, MAX_REWORDINGS, MIN_SILENT_SECONDS
from support.causes import HTTP_PROBE, event, pod, probed
from support.harness import World

EVENTS = "events shop involvedObject.kind=Pod,involvedObject.uid=uid-web-1"
REFUSED = "connect: connection refused"
FAILS = "Pod web-1: container app runs, its readiness probe fails: "


def probed_pod(name: str = "web-1", created: str = "2026-01-01T00:00:00Z") -> Json:
    return pod(name=name, created=created, spec=probed(readinessProbe=HTTP_PROBE))


def unhealthy(words: str) -> Json:
    return event("Unhealthy", f"Readiness probe failed: {words}")


@pytest.fixture
async def silent(world: World) -> World:
    """An app with an unexplained pod."""
    world.app(replicas=1)
    await world.reconcile()
    world.run_pods(ready=0, total=1)
    world.cluster.pod_list = [probed_pod()]
    world.cluster.event_list = [unhealthy(REFUSED)]
    return world


async def run_for(world: World, seconds: float) -> None:
    """Reconcile whenever that is due, for this long."""
    end = world.now + seconds
    while (after := await world.reconcile() or seconds) and world.now + after < end:
        world.now += after
    world.now = end


async def test_the_cause_is_named_within_thirty_seconds(silent: World) -> None:
    await run_for(silent, 30.0)
    assert silent.ready() == ("False", "Unhealthy")
    assert silent.message() == f"0 of 1 pods are ready. {FAILS}{REFUSED}"
    assert silent.cluster.requests.count(EVENTS) == 1


async def test_no_event_is_read_of_a_pod_that_is_only_starting(silent: World) -> None:
    await run_for(silent, MIN_SILENT_SECONDS - 0.1)
    assert silent.ready() == ("False", "Progressing")
    assert not [request for request in silent.cluster.requests if request.startswith("events")]


async def test_a_pod_that_follows_another_has_time_of_its_own(silent: World) -> None:
    await run_for(silent, 2 * MIN_SILENT_SECONDS)
    silent.cluster.pod_list = [probed_pod("web-2")]
    silent.cluster.event_list = []
    silent.cluster.requests.clear()
    await run_for(silent, MIN_SILENT_SECONDS)
    assert not [request for request in silent.cluster.requests if "web-2" in request]
    await run_for(silent, MAX_POLL_SECONDS)
    assert [request for request in silent.cluster.requests if "web-2" in request]


async def test_without_the_right_to_list_events_the_state_is_reported(silent: World) -> None:
    silent.cluster.fail(EVENTS, ApiError(403, "Forbidden", "events is forbidden"), times=100)
    await run_for(silent, 60.0)
    assert silent.ready() == ("False", "Progressing")
    assert silent.message().endswith(
        "container app runs, its readiness probe has not succeeded yet"
    )


async def test_after_a_restart_the_cause_stays(silent: World) -> None:
    await run_for(silent, 60.0)
    silent.restart()
    silent.cluster.writes.clear()
    await run_for(silent, 60.0)
    assert silent.ready() == ("False", "Unhealthy")
    assert silent.cluster.writes == []


async def test_words_that_differ_by_numbers_are_the_same(silent: World) -> None:
    await run_for(silent, 30.0)
    silent.cluster.writes.clear()
    for count in range(5):
        silent.cluster.event_list = [unhealthy(f"{count} of 9 shards, connect: connection refused")]
        await run_for(silent, MAX_POLL_SECONDS)
    assert len(silent.cluster.writes) == 1


async def test_a_probe_that_fails_in_two_ways_in_turn_causes_few_writes(silent: World) -> None:
    await run_for(silent, 30.0)
    silent.cluster.writes.clear()
    for count in range(4 * MAX_REWORDINGS):
        silent.cluster.event_list = [unhealthy("timeout" if count % 2 else "refused")]
        await run_for(silent, MAX_POLL_SECONDS)
    assert len(silent.cluster.writes) <= MAX_REWORDINGS


async def test_a_new_cause_is_reported(silent: World) -> None:
    await run_for(silent, 30.0)
    silent.cluster.event_list = [unhealthy("HTTP probe failed with statuscode: 500")]
    await run_for(silent, 2 * MAX_POLL_SECONDS)
    assert silent.message().endswith("HTTP probe failed with statuscode: 500")
