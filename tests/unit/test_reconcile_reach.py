"""The one reconcile, when URLs answer, when they do not, and when nothing is known of them."""

from typing import Any

import pytest

from exposedapp.cluster import ApiError
from exposedapp.reach import WAIT_SECONDS
from exposedapp.schema import Json
from unit.world import KEY, FakeProber, World

A, B = "http://10.0.0.1:30000", "http://10.0.0.2:30000"
URLS = [A, B]
REFUSED, LATE = "connection refused", "timed out"


def tried(world: World) -> list[str]:
    return sorted(it.url for it in world.prober.wanted)


def answer(world: World, a: str | None, b: str | None) -> None:
    world.prober.answers = {A: a, B: b}


def reachable(world: World) -> tuple[str, str]:
    (found,) = (it for it in world.status()["conditions"] if it["type"] == "Reachable")
    return found["status"], found["reason"]


def forget_answers(world: World) -> None:
    """The operator starts anew, and has tried nothing yet."""
    world.prober = FakeProber(lambda: world.now)
    answer(world, None, None)
    world.restart()
    world.cluster.writes.clear()


async def start(world: World, **spec: Any) -> None:
    """A new app, up to where its pods have become ready."""
    world.app(replicas=1, **spec)
    await world.reconcile()
    world.run_pods(ready=1)
    world.cluster.writes.clear()


# --- what is tried --------------------------------------------------------------------------------


async def test_nothing_is_tried_while_no_pod_could_answer(world: World) -> None:
    world.app(replicas=2)
    await world.reconcile()
    assert tried(world) == []
    world.run_pods(ready=0, total=2)
    await world.reconcile()
    assert tried(world) == []
    assert reachable(world) == ("Unknown", "NotProbed")
    world.run_pods(ready=1, total=2)
    await world.reconcile()
    assert tried(world) == URLS
    world.run_pods(ready=0, total=2)
    await world.reconcile()
    assert tried(world) == []


async def test_only_what_is_listed_is_tried(running: World) -> None:
    running.nodes[1]["status"]["conditions"][1]["status"] = "False"
    await running.reconcile()
    assert tried(running) == [A] == running.status()["urls"]


@pytest.mark.parametrize("how", ["being deleted", "gone"])
async def test_a_deleted_app_is_tried_no_more(running: World, how: str) -> None:
    def delete(body: Json) -> None:
        body["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"

    await running.reconcile()
    assert tried(running) == URLS
    if how == "gone":
        running.cluster.remove("ExposedApp", *KEY)
    else:
        running.cluster.edit("ExposedApp", *KEY, delete)
    assert await running.reconcile() is None
    assert tried(running) == []


async def test_an_app_that_was_deleted_meanwhile_is_tried_no_more(running: World) -> None:
    gone = ApiError(404, "NotFound", 'exposedapps "web" not found')
    running.cluster.fail("patch status", gone)
    running.nodes[1]["status"]["conditions"][1]["status"] = "False"
    assert await running.reconcile() is None
    assert tried(running) == []


async def test_an_app_may_have_its_urls_left_alone(world: World) -> None:
    await start(world, probe={"enabled": False})
    assert await world.reconcile() is None
    assert tried(world) == []
    assert world.ready() == ("True", "Available")
    assert reachable(world) == ("Unknown", "NotProbed")


@pytest.mark.parametrize(
    ("spec", "count"),
    [
        ({"service": {"type": "ClusterIP"}}, 0),
        ({"ports": [{"port": 53, "protocol": "UDP"}]}, 0),
        ({"nodes": {"host": "app.example"}}, 0),
        ({"nodes": {"limit": 1}}, 1),
    ],
    ids=["ClusterIP", "UDP", "host", "limit"],
)
async def test_what_cannot_be_tried_holds_nothing_up(world: World, spec: Json, count: int) -> None:
    await start(world, **spec)
    await world.reconcile()
    assert len(world.prober.wanted) == count
    assert world.ready() == ("True", "Available")


# --- what the answers lead to ---------------------------------------------------------------------


async def test_an_app_is_ready_when_the_first_url_answers(world: World) -> None:
    answer(world, None, None)
    await start(world)
    await world.reconcile()
    assert world.ready() != ("True", "Available")
    answer(world, "", None)
    world.now += 1
    await world.reconcile()
    assert world.ready() == ("True", "Available")
    assert reachable(world) == ("True", "Answers")


async def test_an_app_that_does_not_answer_is_told_in_time(world: World) -> None:
    answer(world, LATE, REFUSED)
    await start(world)
    began = world.now
    while (again := await world.reconcile()) is not None:
        assert world.now + again <= began + WAIT_SECONDS, "it looks again when the time is over"
        assert world.ready() in [("False", "Progressing"), ("False", "WaitingForAnswer")]
        world.now += again
    assert world.now == began + WAIT_SECONDS
    assert world.ready() == reachable(world) == ("False", "Unreachable")
    assert world.message() == (
        f"0 of 2 node URLs answer, tried from the operator's pod; {A}: {LATE}; {B}: {REFUSED}"
    )
    assert len(world.cluster.writes) <= 2
    # It heals by itself.
    answer(world, "", REFUSED)
    await world.reconcile()
    assert world.ready() == ("True", "Available")
    assert reachable(world) == ("False", "SomeUnreachable")


async def test_the_url_to_click_is_one_that_answers(running: World) -> None:
    assert running.status()["url"] == A
    answer(running, REFUSED, "")
    await running.reconcile()
    assert running.ready() == ("True", "Available")
    assert running.status()["url"] == B
    assert running.status()["urls"] == URLS
    # And it stays that one.
    answer(running, "", "")
    await running.reconcile()
    assert running.status()["url"] == B


@pytest.mark.parametrize("again", [("", ""), ("", REFUSED), (LATE, REFUSED)])
async def test_the_same_answers_write_nothing(running: World, again: tuple[str, str]) -> None:
    answer(running, *again)
    await running.reconcile()
    running.now += WAIT_SECONDS
    await running.reconcile()
    running.cluster.requests.clear()
    for _ in range(20):
        running.now += 7
        assert await running.reconcile() is None
    assert running.cluster.requests == []


async def test_pods_that_come_back_have_their_time_again(running: World) -> None:
    running.run_pods(ready=0, total=2)
    await running.reconcile()
    answer(running, None, None)
    running.now += 10 * WAIT_SECONDS
    running.run_pods(ready=2)
    assert await running.reconcile() is not None
    running.now += WAIT_SECONDS - 1
    await running.reconcile()
    assert running.ready() == ("False", "WaitingForAnswer")


# --- a restart ------------------------------------------------------------------------------------


@pytest.mark.parametrize("known", [("", ""), ("", REFUSED), (REFUSED, "")])
async def test_a_restart_writes_nothing(running: World, known: tuple[str, str]) -> None:
    answer(running, *known)
    await running.reconcile()
    before = running.live("ExposedApp")["metadata"]["resourceVersion"]
    forget_answers(running)
    await running.reconcile()
    answer(running, *known)
    running.now += 1
    await running.reconcile()
    assert running.cluster.writes == []
    assert running.live("ExposedApp")["metadata"]["resourceVersion"] == before


async def test_a_restart_while_nothing_answers_writes_nothing_at_first(running: World) -> None:
    answer(running, LATE, REFUSED)
    running.now += WAIT_SECONDS
    await running.reconcile()
    assert running.ready() == ("False", "Unreachable")
    forget_answers(running)
    await running.reconcile()
    assert running.cluster.writes == []


async def test_what_broke_during_the_restart_is_told(running: World) -> None:
    forget_answers(running)
    await running.reconcile()
    answer(running, LATE, REFUSED)
    running.now += WAIT_SECONDS
    await running.reconcile()
    assert running.ready() == ("False", "Unreachable")


# --- what people find in the events ---------------------------------------------------------------


async def test_events(running: World) -> None:
    running.happened.clear()
    found = []
    for answers in [("", ""), ("", REFUSED), ("", LATE), ("", ""), (LATE, REFUSED), ("", "")]:
        answer(running, *answers)
        running.now += WAIT_SECONDS
        await running.reconcile()
        found.append([(it.type, it.reason) for it in running.happened])
        running.happened.clear()
    failed, well = ("Warning", "NotReachable"), ("Normal", "Reachable")
    assert found == [[], [failed], [], [well], [failed], [well, ("Normal", "Available")]]
