# SPDX-License-Identifier: Apache-2.0
"""Reconciles while URLs answer, while they do not, and before the first results."""

from collections.abc import Callable
from typing import Any

import pytest

from exposedapp.api.meta import Json
from exposedapp.exposure.probes import ProbeOutcome, ProbeResult
from exposedapp.exposure.reachability import FIRST_ANSWER_GRACE_SECONDS
from exposedapp.kube.errors import ApiError
from exposedapp.probing.prober import Prober
from exposedapp.reconcile.reconciler import DELETION_CHECK_SECONDS
from exposedapp.reconcile.status_writer import FIRST_STATUS_DELAY_SECONDS
from exposedapp.settings import Settings
from support.harness import KEY, FakeProber, World
from support.probes import LATE, OK, REFUSED

A, B = "http://10.0.0.1:30000", "http://10.0.0.2:30000"
URLS = [A, B]


def probed(world: World) -> list[str]:
    return sorted(target.url for target in world.prober.targets)


def set_answers(world: World, a: ProbeResult | None, b: ProbeResult | None) -> None:
    world.prober.answers = {A: a, B: b}


def reachable_condition(world: World) -> Json:
    conditions: list[Json] = world.status()["conditions"]
    (reachable,) = (condition for condition in conditions if condition["type"] == "Reachable")
    return reachable


def reachable(world: World) -> tuple[str, str]:
    condition = reachable_condition(world)
    return condition["status"], condition["reason"]


def forget_answers(world: World) -> None:
    """The operator restarts, and has no results yet."""
    world.prober = world.probes = FakeProber(lambda: world.now)
    set_answers(world, None, None)
    world.restart()
    world.cluster.writes.clear()


async def start(world: World, **spec: Any) -> None:
    """A new app, up to where its pods have become ready."""
    world.app(replicas=1, **spec)
    await world.reconcile()
    world.run_pods(ready=1)
    world.cluster.writes.clear()


# --- what is probed -------------------------------------------------------------------------------


async def test_nothing_is_tried_while_no_pod_could_answer(world: World) -> None:
    world.app(replicas=2)
    await world.reconcile()
    assert probed(world) == []
    world.run_pods(ready=0, total=2)
    await world.reconcile()
    assert probed(world) == []
    assert reachable(world) == ("Unknown", "NotProbed")
    assert reachable_condition(world)["message"] == "No pod is ready."
    world.run_pods(ready=1, total=2)
    await world.reconcile()
    assert probed(world) == URLS
    world.run_pods(ready=0, total=2)
    await world.reconcile()
    assert probed(world) == []


async def test_only_what_is_listed_is_tried(running: World) -> None:
    running.nodes[1]["status"]["conditions"][1]["status"] = "False"
    await running.reconcile()
    assert probed(running) == [A] == running.status()["urls"]


@pytest.mark.parametrize("how", ["being deleted", "gone"])
async def test_a_deleted_app_is_tried_no_more(running: World, how: str) -> None:
    def delete(body: Json) -> None:
        body["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"

    await running.reconcile()
    assert probed(running) == URLS
    if how == "gone":
        running.cluster.remove("ExposedApp", *KEY)
    else:
        running.cluster.edit("ExposedApp", *KEY, delete)
    assert await running.reconcile() is None
    assert probed(running) == []


async def test_an_app_that_was_deleted_meanwhile_is_tried_no_more(running: World) -> None:
    not_found = ApiError(404, "NotFound", 'exposedapps "web" not found')
    running.cluster.fail("patch status", not_found)
    running.nodes[1]["status"]["conditions"][1]["status"] = "False"
    assert await running.reconcile() == DELETION_CHECK_SECONDS
    assert probed(running) == []


async def test_an_app_may_have_its_urls_left_alone(world: World) -> None:
    await start(world, probe={"enabled": False})
    assert await world.reconcile() is None
    assert probed(world) == []
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
    assert len(world.prober.targets) == count
    assert world.ready() == ("True", "Available")


# --- what the results lead to ---------------------------------------------------------------------


async def test_an_app_is_ready_when_the_first_url_answers(world: World) -> None:
    set_answers(world, None, None)
    await start(world)
    await world.reconcile()
    assert world.ready() != ("True", "Available")
    set_answers(world, OK, None)
    world.now += 1
    await world.reconcile()
    assert world.ready() == ("True", "Available")
    assert reachable(world) == ("True", "Answers")


async def test_an_app_that_does_not_answer_is_told_in_time(world: World) -> None:
    set_answers(world, LATE, REFUSED)
    await start(world)
    began = world.now
    while (again := await world.reconcile()) is not None:
        assert world.now + again <= began + FIRST_ANSWER_GRACE_SECONDS, (
            "the app is reconciled when the time is over"
        )
        assert world.ready() in [("False", "Progressing"), ("False", "WaitingForAnswer")]
        world.now += again
    assert world.now == began + FIRST_ANSWER_GRACE_SECONDS
    assert world.ready() == reachable(world) == ("False", "Unreachable")
    assert world.message() == (
        f"0 of 2 node URLs answer, tried from the operator's pod; {A}: {LATE}; {B}: {REFUSED}"
    )
    assert len(world.cluster.writes) <= 2
    # It heals by itself.
    set_answers(world, OK, REFUSED)
    await world.reconcile()
    assert world.ready() == ("True", "Available")
    assert reachable(world) == ("False", "SomeUnreachable")


async def test_the_url_to_click_is_one_that_answers(running: World) -> None:
    assert running.status()["url"] == A
    set_answers(running, REFUSED, OK)
    await running.reconcile()
    assert running.ready() == ("True", "Available")
    assert running.status()["url"] == B
    assert running.status()["urls"] == URLS
    # And it stays that one.
    set_answers(running, OK, OK)
    await running.reconcile()
    assert running.status()["url"] == B


@pytest.mark.parametrize("again", [(OK, OK), (OK, REFUSED), (LATE, REFUSED)])
async def test_the_same_answers_write_nothing(
    running: World, again: tuple[ProbeResult, ProbeResult]
) -> None:
    set_answers(running, *again)
    await running.reconcile()
    running.now += FIRST_ANSWER_GRACE_SECONDS
    await running.reconcile()
    running.cluster.requests.clear()
    for _ in range(20):
        running.now += 7
        assert await running.reconcile() is None
    assert running.cluster.requests == []


async def test_pods_that_come_back_have_their_time_again(running: World) -> None:
    running.run_pods(ready=0, total=2)
    await running.reconcile()
    set_answers(running, None, None)
    running.now += 10 * FIRST_ANSWER_GRACE_SECONDS
    running.run_pods(ready=2)
    assert await running.reconcile() is not None
    running.now += FIRST_ANSWER_GRACE_SECONDS - 1
    await running.reconcile()
    assert running.ready() == ("False", "WaitingForAnswer")


# --- a restart ------------------------------------------------------------------------------------


@pytest.mark.parametrize("known", [(OK, OK), (OK, REFUSED), (REFUSED, OK)])
async def test_a_restart_writes_nothing(
    running: World, known: tuple[ProbeResult, ProbeResult]
) -> None:
    set_answers(running, *known)
    await running.reconcile()
    before = running.live("ExposedApp")["metadata"]["resourceVersion"]
    forget_answers(running)
    await running.reconcile()
    set_answers(running, *known)
    running.now += 1
    await running.reconcile()
    assert running.cluster.writes == []
    assert running.live("ExposedApp")["metadata"]["resourceVersion"] == before


async def test_a_restart_while_nothing_answers_writes_nothing_at_first(running: World) -> None:
    set_answers(running, LATE, REFUSED)
    running.now += FIRST_ANSWER_GRACE_SECONDS
    await running.reconcile()
    assert running.ready() == ("False", "Unreachable")
    forget_answers(running)
    await running.reconcile()
    assert running.cluster.writes == []


async def test_what_broke_during_the_restart_is_told(running: World) -> None:
    forget_answers(running)
    await running.reconcile()
    set_answers(running, LATE, REFUSED)
    running.now += FIRST_ANSWER_GRACE_SECONDS
    await running.reconcile()
    assert running.ready() == ("False", "Unreachable")


# --- the Events -----------------------------------------------------------------------------------


async def test_events(running: World) -> None:
    running.happened.clear()
    events = []
    for answers in [(OK, OK), (OK, REFUSED), (OK, LATE), (OK, OK), (LATE, REFUSED), (OK, OK)]:
        set_answers(running, *answers)
        running.now += FIRST_ANSWER_GRACE_SECONDS
        await running.reconcile()
        events.append([(event.type, event.reason) for event in running.happened])
        running.happened.clear()
    failed, well = ("Warning", "NotReachable"), ("Normal", "Reachable")
    assert events == [[], [failed], [], [well], [failed], [("Normal", "Available"), well]]


async def test_that_it_answers_again_is_told_also_when_pods_went_and_came(running: World) -> None:
    set_answers(running, LATE, REFUSED)
    running.now += FIRST_ANSWER_GRACE_SECONDS
    await running.reconcile()
    assert reachable(running) == ("False", "Unreachable")
    running.happened.clear()
    running.run_pods(ready=0, total=2)
    running.now += 2 * FIRST_ANSWER_GRACE_SECONDS
    await running.reconcile()
    assert reachable(running)[0] == "Unknown"
    # Meanwhile the spec is changed.
    running.app(replicas=2, env=[{"name": "A", "value": "b"}])
    await running.reconcile()
    set_answers(running, OK, OK)
    running.run_pods(ready=2)
    await running.reconcile()
    assert reachable(running)[0] == "True"
    reasons = [event.reason for event in running.happened]
    assert reasons.count("Reachable") == 1
    assert "NotReachable" not in reasons


async def test_a_restart_is_no_news(running: World) -> None:
    running.run_pods(ready=0, total=2)
    running.now += FIRST_ANSWER_GRACE_SECONDS
    await running.reconcile()
    running.restart()
    running.happened.clear()
    running.run_pods(ready=2)
    await running.reconcile()
    assert reachable(running)[0] == "True"
    assert [event.reason for event in running.happened] == ["Available"]


# --- after a change -------------------------------------------------------------------------------


class RealProber(Prober):
    """The real prober, whose probes end when the test records their results."""

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__(50, 50, lambda _: None, clock=clock)

    def record(self, *results: ProbeResult) -> None:
        """Records one result for each URL, in their order; the last one for all others."""
        states = sorted(self._apps[KEY].states.items())
        for i, (_, state) in enumerate(states):
            state.record(results[min(i, len(results) - 1)])


def forget_tries(world: World) -> RealProber:
    world.probes = prober = RealProber(lambda: world.now)
    world.restart()
    world.cluster.writes.clear()
    return prober


@pytest.fixture
async def answering(running: World) -> tuple[World, RealProber]:
    """An app whose URLs have answered, some time ago."""
    prober = forget_tries(running)
    await running.reconcile()
    prober.record(OK)
    running.now += 2 * FIRST_ANSWER_GRACE_SECONDS
    await running.reconcile()
    assert running.ready() == ("True", "Available")
    assert running.cluster.writes == []
    return running, prober


ANOTHER_TARGET = {"replicas": 2, "ports": [{"port": 80, "targetPort": 9090}]}


def settle_service(world: World) -> None:
    """The Deployment's template changes with the port; here its pods stay the same."""
    world.run_pods(ready=2)
    world.watch()


async def test_an_older_answer_makes_no_changed_app_ready(
    answering: tuple[World, RealProber],
) -> None:
    world, prober = answering
    world.app(**ANOTHER_TARGET)
    await world.reconcile()
    settle_service(world)
    await world.reconcile()
    world.now += FIRST_STATUS_DELAY_SECONDS * 1.5
    await world.reconcile()
    assert world.ready() == ("False", "WaitingForAnswer")
    assert world.status()["observedGeneration"] == 2
    world.now += FIRST_ANSWER_GRACE_SECONDS / 2
    assert await world.reconcile() is not None
    assert world.ready() == ("False", "WaitingForAnswer")
    prober.record(REFUSED)
    prober.record(REFUSED)
    await world.reconcile()
    assert world.ready() == ("False", "WaitingForAnswer")
    world.now += FIRST_ANSWER_GRACE_SECONDS / 2
    await world.reconcile()
    assert world.ready() == ("False", "Unreachable")


async def change_service_only(world: World) -> None:
    world.app(replicas=2, service={"sessionAffinity": "ClientIP"})
    await world.reconcile()


async def test_a_change_without_a_rollout_is_one_write_of_the_status(
    answering: tuple[World, RealProber],
) -> None:
    world, prober = answering
    await change_service_only(world)
    assert world.cluster.writes == ["apply Service"]
    world.now += FIRST_STATUS_DELAY_SECONDS / 2
    await world.reconcile()
    prober.record(OK)
    await world.reconcile()
    assert world.ready() == ("True", "Available")
    assert world.cluster.writes == ["apply Service", "patch status"]


async def test_a_change_that_is_not_answered_at_once_is_written(
    answering: tuple[World, RealProber],
) -> None:
    world, _ = answering
    world.app(replicas=2, service={"sessionAffinity": "ClientIP"})
    again = await world.reconcile()
    assert again == pytest.approx(FIRST_STATUS_DELAY_SECONDS)
    world.now += FIRST_STATUS_DELAY_SECONDS
    await world.reconcile()
    assert world.ready() == ("False", "WaitingForAnswer")
    assert world.cluster.writes == ["apply Service", "patch status"]


async def test_a_change_of_neither_the_service_nor_the_pods_waits_for_nothing(
    answering: tuple[World, RealProber],
) -> None:
    world, prober = answering
    world.app(replicas=2, probe={"failureThreshold": 2})
    await world.reconcile()
    assert world.ready() == ("True", "Available")
    assert world.status()["observedGeneration"] == 2
    assert world.cluster.writes == ["patch status"]
    assert prober.state().targets == 2


async def test_a_rollout_waits_for_an_answer_of_its_pods(
    answering: tuple[World, RealProber],
) -> None:
    world, prober = answering
    world.app(replicas=2, env=[{"name": "A", "value": "b"}])
    await world.reconcile()
    assert world.ready() == ("False", "Progressing")
    assert reachable(world) == ("True", "Answers"), "the old pods still answer"
    world.run_pods(ready=2)
    for endpoint in world.slices[0]["endpoints"]:
        endpoint["targetRef"]["uid"] += "-new"
    assert await world.reconcile() is not None
    assert world.ready() == ("False", "Progressing")
    world.now += FIRST_STATUS_DELAY_SECONDS / 2
    prober.record(OK)
    await world.reconcile()
    assert world.ready() == ("True", "Available")
    assert world.cluster.writes == ["apply Deployment", "patch status", "patch status"]


async def test_a_mended_app_has_its_time_again(answering: tuple[World, RealProber]) -> None:
    world, prober = answering
    prober.record(REFUSED)
    prober.record(REFUSED)
    await world.reconcile()
    assert world.ready() == ("False", "Unreachable")
    world.now += 10 * FIRST_ANSWER_GRACE_SECONDS
    await change_service_only(world)
    world.now += FIRST_STATUS_DELAY_SECONDS
    prober.record(REFUSED)
    await world.reconcile()
    assert world.ready() == ("False", "WaitingForAnswer")
    prober.record(OK)
    await world.reconcile()
    assert world.ready() == ("True", "Available")


async def test_other_pods_alone_make_no_app_unready(answering: tuple[World, RealProber]) -> None:
    world, _ = answering
    for endpoint in world.slices[0]["endpoints"]:
        endpoint["targetRef"]["uid"] += "-new"
    for _ in range(2):
        await world.reconcile()
        world.now += FIRST_ANSWER_GRACE_SECONDS
    assert world.ready() == ("True", "Available")
    assert world.cluster.writes == []


async def test_what_was_changed_during_a_restart_waits_for_an_answer(
    answering: tuple[World, RealProber],
) -> None:
    world, _ = answering
    world.app(replicas=2, service={"sessionAffinity": "ClientIP"})
    prober = forget_tries(world)
    assert await world.reconcile() == pytest.approx(FIRST_STATUS_DELAY_SECONDS)
    assert world.status()["observedGeneration"] == 1
    prober.record(OK)
    await world.reconcile()
    assert world.ready() == ("True", "Available")
    assert world.cluster.writes == ["apply Service", "patch status"]


async def test_what_is_not_tried_is_told(world: World) -> None:
    def message() -> str:
        return str(reachable_condition(world)["message"])

    await start(world, ports=[{"port": 53, "protocol": "UDP"}])
    await world.reconcile()
    assert message() == "UDP and SCTP ports cannot be probed."
    world.app(replicas=1, probe={"enabled": False})
    await world.settle()
    assert message() == "Probing is disabled by spec.probe.enabled."
    ports = [{"name": "a", "port": 80}, {"name": "b", "port": 53, "protocol": "UDP"}]
    world.app(replicas=1, ports=ports)
    await world.settle()
    assert message().endswith("from the operator's pod. Not probed: UDP and SCTP ports.")


# --- what the operator cannot probe ---------------------------------------------------------------

CUT = ProbeResult(ProbeOutcome.TIMED_OUT, blocked=True)
HOST = "http://203.0.113.7:30000"


async def test_an_app_is_ready_while_the_operator_s_own_way_is_cut(world: World) -> None:
    set_answers(world, CUT, CUT)
    await start(world)
    await world.settle()
    assert (world.ready(), reachable(world)) == (("True", "Available"), ("Unknown", "ProbeBlocked"))
    # Neither a restart nor the same results write anything.
    forget_answers(world)
    await world.reconcile()
    set_answers(world, CUT, CUT)
    await world.reconcile()
    assert world.cluster.writes == []
    set_answers(world, OK, CUT)
    await world.settle()
    assert reachable(world) == ("False", "SomeUnreachable")


async def test_metrics_that_answer_make_no_app_ready(world: World) -> None:
    """spring-boot#16473: status.url would be a dead one."""
    ports = [{"name": "web", "port": 80}, {"name": "metrics", "port": 9090}]
    set_answers(world, REFUSED, REFUSED)
    await start(world, ports=ports)
    await world.reconcile()
    world.now += FIRST_ANSWER_GRACE_SECONDS
    await world.settle()
    assert world.ready() == reachable(world) == ("False", "Unreachable")
    assert "2 of 4 node URLs answer, none of the first port" in world.message()
    set_answers(world, OK, REFUSED)
    await world.settle()
    assert (world.ready(), reachable(world)) == (
        ("True", "Available"),
        ("False", "SomeUnreachable"),
    )
    assert world.status()["url"] == A


async def test_a_host_that_does_not_answer_a_pod_holds_nothing_up(world: World) -> None:
    """for-mac#3144, cert-manager#863: a NAT without hairpin."""
    world.settings = Settings(nodes_host="203.0.113.7")
    world.restart()
    world.prober.answers[HOST] = LATE
    await start(world)
    await world.settle()
    assert probed(world) == [A, B, HOST]
    assert world.status()["urls"] == [HOST] == [world.status()["url"]]
    assert (world.ready(), reachable(world)) == (("True", "Available"), ("Unknown", "ProbeBlocked"))
    world.prober.answers[HOST] = OK
    await world.settle()
    assert reachable(world) == ("True", "Answers")


async def test_localhost_is_not_tried_and_the_nodes_are(world: World) -> None:
    world.settings = Settings(nodes_host="localhost")
    world.restart()
    await start(world)
    await world.settle()
    assert probed(world) == [A, B]
    assert world.status()["url"] == "http://localhost:30000"
    assert (world.ready(), reachable(world)) == (("True", "Available"), ("Unknown", "ProbeBlocked"))
    set_answers(world, REFUSED, REFUSED)
    await world.settle()
    assert world.ready() == ("False", "Unreachable")
