# SPDX-License-Identifier: Apache-2.0
"""Existing objects of other owners, and node ports that other Services hold or held."""

import asyncio

import pytest

from exposedapp.api.meta import Json
from exposedapp.cache.node_port_waiters import NodePortWaiters
from exposedapp.cache.watches import ServiceHandler
from exposedapp.kube.errors import ApiError
from exposedapp.kube.scope import WHOLE_CLUSTER, Scope
from exposedapp.reconcile.conflict_budget import CONFLICT_PERIOD_SECONDS, MAX_CONFLICTING_WRITES
from exposedapp.reconcile.node_ports import (
    HOLDERS_TTL_FACTOR,
    MAX_RELEASE_SECONDS,
    MIN_HOLDERS_TTL_SECONDS,
    RELEASE_POLL_SECONDS,
    NodePortHolders,
)
from exposedapp.settings import Settings
from support.fake_api_server import FakeApiServer
from support.harness import BUSY, KEY, PINNED, World
from support.objects import node_body

TAKEN = ApiError(
    422,
    "Invalid",
    "spec.ports[0].nodePort: Invalid value: 30080: provided port is already allocated",
)

# --- node ports -----------------------------------------------------------------------------------


@pytest.mark.parametrize("restarted", [False, True], ids=["at work", "restarted"])
async def test_a_deleted_service_gets_its_node_ports_back(world: World, restarted: bool) -> None:
    world.other_service(30000)
    world.app(ports=[{"name": "a", "port": 80}, {"name": "b", "port": 80, "protocol": "UDP"}])
    await world.settle()
    before = world.node_ports()
    # These are free now, and the next to be allocated.
    world.cluster.remove("Service", "other", "other")
    world.cluster.remove("Service", *KEY)
    if restarted:
        world.restart()
    await world.settle()
    assert world.node_ports() == before


async def test_a_remembered_node_port_that_another_took_is_given_up(stopped: World) -> None:
    assert stopped.node_ports() == [30000]
    stopped.cluster.remove("Service", *KEY)
    stopped.other_service(30000)
    stopped.cluster.writes.clear()
    await stopped.reconcile()
    assert stopped.cluster.writes == ["apply Service", "apply Service", "patch status"]
    assert stopped.node_ports() == [30001]
    assert stopped.status()["url"] == "http://10.0.0.1:30001"
    assert stopped.ready() == ("True", "ScaledToZero")
    await stopped.settle()


async def test_a_node_port_that_is_still_being_released_is_waited_for(stopped: World) -> None:
    stopped.cluster.remove("Service", *KEY)
    stopped.cluster.being_released = {30000}
    await stopped.fails()
    assert stopped.ready() == ("False", "Progressing")
    assert "still being released" in stopped.message()
    stopped.cluster.being_released = set()
    await stopped.settle()
    assert stopped.node_ports() == [30000]


async def test_a_wanted_node_port_that_another_has_is_told_and_heals(world: World) -> None:
    world.other_service(30080)
    world.app(ports=PINNED)
    result = await world.fails()
    assert result.min_delay is None
    assert world.ready() == ("False", "NodePortConflict")
    assert "provided port is already allocated" in world.message()
    assert world.message().endswith("Node port 30080 belongs to a Service of another namespace.")
    world.cluster.writes.clear()
    await world.fails()
    assert "patch status" not in world.cluster.writes
    world.cluster.remove("Service", "other", "other")
    await world.settle()
    assert world.ready() == ("True", "ScaledToZero")
    assert world.node_ports() == [30080]


async def test_an_app_that_wants_the_node_port_of_another_keeps_its_own(stopped: World) -> None:
    stopped.other_service(30080)
    stopped.app(ports=PINNED)
    await stopped.fails()
    assert stopped.ready() == ("False", "NodePortConflict")
    assert "a Service of another namespace" in stopped.message()
    assert stopped.node_ports() == [30000]
    assert stopped.status()["url"] == "http://10.0.0.1:30000"


async def test_who_has_which_node_port_is_asked_once_for_many(world: World) -> None:
    world.other_service(30080)
    world.app(ports=PINNED)
    for _ in range(5):
        await world.fails()
    assert world.cluster.requests.count("services") == 1
    world.now += MIN_HOLDERS_TTL_SECONDS + 1
    await world.fails()
    assert world.cluster.requests.count("services") == 2


@pytest.fixture
def confined() -> World:
    """An operator of the app's namespace only: it cannot list the Services of others."""
    return World(Settings(watch_namespaces=(KEY.namespace,)))


async def test_a_holder_that_cannot_be_listed_is_one_of_another_namespace(confined: World) -> None:
    confined.other_service(30080)
    confined.app(ports=PINNED)
    await confined.fails()
    assert confined.ready() == ("False", "NodePortConflict")
    assert "belongs to" not in confined.message()  # it may still be being released
    confined.now += MAX_RELEASE_SECONDS + 1
    await confined.fails()
    confined.now += 60  # the status, whose message is another one, is due
    assert (await confined.fails()).requeue_after is None
    assert confined.message().endswith("Node port 30080 belongs to a Service of another namespace.")
    confined.cluster.remove("Service", "other", "other")
    await confined.settle()
    assert confined.node_ports() == [30080]


async def test_a_remembered_node_port_that_cannot_be_listed_is_given_up(confined: World) -> None:
    confined.app()
    await confined.settle()
    confined.cluster.remove("Service", *KEY)
    confined.other_service(30000)
    await confined.fails()
    assert "still being released" in confined.message()
    confined.now += MAX_RELEASE_SECONDS + 1
    await confined.settle()
    assert confined.node_ports() == [30001]


async def test_a_holder_in_a_limited_scope_is_known_at_once(confined: World) -> None:
    confined.foreign("Service", {"ports": [{"port": 1, "nodePort": 30080}]}, name="other")
    confined.app(ports=PINNED)
    await confined.fails()
    assert confined.message().endswith("Node port 30080 belongs to Service other.")


async def slow_holders(seconds: float) -> tuple[NodePortHolders, FakeApiServer, list[float]]:
    """The holders of node port 30080, from an API server that lists Services in `seconds`."""
    world, clock = World(), [0.0]
    world.other_service(30080)
    listed = world.cluster.services

    async def services(scope: Scope = WHOLE_CLUSTER) -> list[Json]:
        await asyncio.sleep(0)
        clock[0] += seconds
        return await listed(scope)

    world.cluster.services = services  # type: ignore[method-assign]
    holders = NodePortHolders(world.cluster, WHOLE_CLUSTER, NodePortWaiters(), lambda: clock[0])
    return holders, world.cluster, clock


async def test_one_list_of_services_is_for_all_that_wait_and_counts_from_its_end() -> None:
    holders, cluster, clock = await slow_holders(4.0)
    for _ in range(3):
        answers = await asyncio.gather(*(holders.holders(KEY, {30080}, {30080}) for _ in range(40)))
        assert all(answer.keys() == {30080} for answer in answers)
    assert cluster.requests.count("services") == 1
    # Longer lists count for longer: they never take more than a tenth of the time.
    clock[0] += 4.0 * HOLDERS_TTL_FACTOR
    await holders.holders(KEY, {30080}, {30080})
    assert cluster.requests.count("services") == 2


async def test_an_error_of_the_list_of_services_is_for_all_that_wait() -> None:
    holders, cluster, _ = await slow_holders(0.0)
    cluster.fail("services", BUSY)
    waiting = (holders.holders(KEY, {30080}, {30080}) for _ in range(40))
    answers = await asyncio.gather(*waiting, return_exceptions=True)
    assert answers == [BUSY] * 40
    assert cluster.requests.count("services") == 1
    assert (await holders.holders(KEY, {30080}, {30080})).keys() == {30080}


async def test_a_caller_that_is_cancelled_does_not_end_the_list_of_the_others() -> None:
    holders, _, _ = await slow_holders(0.0)
    first, second = (asyncio.create_task(holders.holders(KEY, {30080}, {30080})) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    assert (await second).keys() == {30080}


async def test_a_node_port_that_becomes_free_is_requested_every_second(world: World) -> None:
    """It is free some time after the DELETED event of the Service that had it."""
    world.other_service(30080)
    labels = {"exposedapp.dev/name": "other"}
    world.cluster.edit(
        "Service", "other", "other", lambda body: body["metadata"].update(labels=labels)
    )
    world.app(ports=PINNED)
    assert (await world.fails()).requeue_after is None
    holder = world.cluster.objects["Service", "other", "other"]
    world.cluster.remove("Service", "other", "other")
    world.cluster.being_released = {30080}
    requests = ServiceHandler(world.cache).delete(holder)
    assert [key for key, _ in requests] == [("other", "other"), KEY]
    # The list before the deletion still has the former holder.
    assert (await world.fails()).requeue_after == RELEASE_POLL_SECONDS
    assert world.cluster.requests.count("services") == 2
    world.now += 60
    await world.fails()  # the status, whose message is another one, is written
    assert (await world.fails()).requeue_after == RELEASE_POLL_SECONDS
    assert world.ready() == ("False", "NodePortConflict")
    world.cluster.being_released = set()
    await world.settle()
    assert world.node_ports() == [30080]
    assert not world.cache.node_port_waiters


async def test_a_deleted_app_does_not_wait_for_a_node_port(world: World) -> None:
    world.other_service(30080)
    world.app(ports=PINNED)
    await world.fails()
    assert world.cache.node_port_waiters
    world.cluster.remove("ExposedApp", *KEY)
    await world.reconcile()
    assert not world.cache.node_port_waiters


async def test_when_nobody_can_say_who_has_the_node_port_it_is_tried_again(world: World) -> None:
    world.cluster.fail("services", BUSY)
    world.other_service(30080)
    world.app(ports=PINNED)
    assert (await world.fails()).min_delay == BUSY.retry_after
    await world.fails()
    assert world.ready() == ("False", "NodePortConflict")


async def test_a_pinned_node_port_that_is_no_longer_wanted_stays(stopped: World) -> None:
    stopped.app(ports=PINNED)
    await stopped.settle()
    stopped.app()
    await stopped.settle()
    assert stopped.node_ports() == [30080]


# --- objects of others ----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["Deployment", "Service"])
async def test_a_foreign_object_is_left_alone(world: World, kind: str) -> None:
    owner = {"kind": "Other", "name": "theirs", "uid": "x", "controller": True}
    world.foreign(kind, ownerReferences=[owner])
    before = world.cluster.objects[kind, *KEY]
    world.app()
    await world.fails()
    assert world.ready() == ("False", "NotOwned")
    assert f"{kind} web already exists" in world.message()
    assert "Other theirs" in world.message()
    # The other child is created all the same.
    assert len(world.cluster.writes) == 2
    assert world.cluster.objects[kind, *KEY] == before
    await world.fails()
    assert len(world.cluster.writes) == 2
    world.cluster.remove(kind, *KEY)
    await world.settle()
    assert world.ready() == ("True", "ScaledToZero")


async def test_an_object_without_an_owner_is_foreign_too(world: World) -> None:
    world.foreign("Service")
    world.app()
    await world.fails()
    assert world.ready() == ("False", "NotOwned")


async def test_a_foreign_object_is_found_though_it_is_not_watched(world: World) -> None:
    # Only what carries the operator's label is watched.
    world.app()
    world.watch()
    world.foreign("Deployment")
    assert (await world.reconciler.reconcile(KEY)).backoff
    assert world.cluster.writes == ["apply Service", "patch status"]
    assert world.ready() == ("False", "NotOwned")


async def test_a_new_app_asks_for_nothing(world: World) -> None:
    world.app()
    await world.reconcile()
    assert world.cluster.requests == ["apply Deployment", "apply Service", "patch status"]


async def test_a_foreign_object_is_looked_at_first_from_then_on(world: World) -> None:
    world.foreign("Deployment")
    world.app()
    await world.fails()
    world.cluster.requests.clear()
    await world.fails()
    assert world.cluster.requests == ["get ExposedApp", "get Deployment"]
    # The Event is about what the first of two attempts created, all the same.
    assert [event.reason for event in world.happened if "Service" in event.message] == ["Created"]


async def test_an_object_that_comes_and_goes_is_left_alone(world: World) -> None:
    world.foreign("Deployment")
    body = world.live("Deployment")

    def remove() -> None:
        world.cluster.remove("Deployment", *KEY)
        world.cluster.before["apply Deployment"] = restore

    def restore() -> None:
        world.cluster.put("Deployment", body)

    world.cluster.before["get Deployment"] = remove
    world.app()
    assert "has been modified" in (await world.fails()).message
    assert world.live("Deployment") == body


@pytest.mark.parametrize("kind", ["Deployment", "Service"])
async def test_a_child_of_an_earlier_app_is_waited_for(world: World, kind: str) -> None:
    owner = {"kind": "ExposedApp", "name": "web", "uid": "earlier", "controller": True}
    world.foreign(kind, ownerReferences=[owner])
    world.app()
    await world.fails()
    assert f"apply {kind}" not in world.cluster.writes
    assert world.ready() == ("False", "Progressing")
    assert "earlier app" in world.message()
    world.cluster.remove(kind, *KEY)
    await world.settle()
    assert world.ready() == ("True", "ScaledToZero")


async def test_an_own_child_that_is_being_deleted_is_waited_for(stopped: World) -> None:
    def delete(body: Json) -> None:
        body["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"

    stopped.cluster.edit("Service", *KEY, delete)
    stopped.cluster.writes.clear()
    await stopped.fails()
    assert stopped.cluster.writes == ["patch status"]
    assert stopped.ready() == ("False", "Progressing")
    stopped.cluster.remove("Service", *KEY)
    await stopped.settle()
    assert stopped.node_ports() == [30000]


async def test_a_pinned_number_may_be_that_of_a_sibling(stopped: World) -> None:
    stopped.app(ports=[{"name": "a", "port": 80}, {"name": "b", "port": 81, "nodePort": 30000}])
    await stopped.settle()
    assert stopped.node_ports()[1] == 30000


async def test_a_number_that_is_taken_for_another_protocol_is_taken(world: World) -> None:
    world.other_service(30080, protocol="UDP")
    world.app(ports=PINNED)
    await world.fails()
    assert world.ready() == ("False", "NodePortConflict")


async def test_only_the_remembered_number_that_is_taken_is_given_up(world: World) -> None:
    world.app(ports=[{"name": name, "port": port} for port, name in enumerate("abc", start=80)])
    await world.settle()
    assert world.node_ports() == [30000, 30001, 30002]
    world.cluster.remove("Service", *KEY)
    world.other_service(30000)
    await world.settle()
    assert world.node_ports()[1:] == [30001, 30002]
    assert world.node_ports()[0] not in (30000, 30001, 30002)


async def test_a_remembered_number_outside_a_new_range_is_given_up(stopped: World) -> None:
    stopped.cluster.remove("Service", *KEY)
    words = "spec.ports[0].nodePort: Invalid value: 30000: provided port is not in the valid range"
    stopped.cluster.fail("apply Service", ApiError(422, "Invalid", words))
    await stopped.settle()
    assert stopped.ready() == ("True", "ScaledToZero")


async def test_a_number_shared_by_two_protocols_is_given_up_as_a_whole(world: World) -> None:
    """The API server gives one port the same number for TCP and UDP."""
    ports = [{"name": "a", "port": 80}, {"name": "b", "port": 80, "protocol": "UDP"}]
    world.app(ports=ports)
    await world.settle()
    for body in (world.live("Service")["spec"], world.live("ExposedApp")["status"]):
        for port in body["ports"]:
            port["nodePort"] = 30000
    world.cluster.remove("Service", *KEY)
    world.other_service(30000)
    world.restart()
    await world.settle()
    assert 30000 not in world.node_ports()


async def test_a_number_may_be_held_for_health_checks(world: World) -> None:
    world.cluster.fail("apply Service", TAKEN)
    meta = {"namespace": "other", "name": "lb"}
    world.cluster.put(
        "Service", {"metadata": meta, "spec": {"healthCheckNodePort": 30080, "ports": []}}
    )
    world.app(ports=PINNED)
    await world.fails()
    assert world.message().endswith("Node port 30080 belongs to a Service of another namespace.")


async def test_a_pinned_number_that_nobody_seems_to_hold_is_a_conflict(world: World) -> None:
    world.cluster.fail("apply Service", TAKEN)
    world.app(ports=PINNED)
    await world.fails()
    assert world.ready() == ("False", "NodePortConflict")
    await world.settle()


async def test_a_deleted_child_does_not_come_back_with_a_late_answer(stopped: World) -> None:
    def delete() -> None:
        deleted = dict(stopped.live("Deployment"))
        stopped.cluster.remove("Deployment", *KEY)
        late = {**deleted, "metadata": {**deleted["metadata"], "resourceVersion": "100000"}}
        stopped.cache.children["Deployment"].delete(late)
        stopped.cluster.put("Deployment", deleted)

    stopped.cluster.edit("Deployment", *KEY, lambda body: body["spec"].update(replicas=7))
    stopped.cluster.before["apply Deployment"] = delete
    await stopped.reconcile()
    assert stopped.cache.children["Deployment"].get(KEY) is None


async def test_who_undoes_every_apply_is_not_answered_for_ever(
    stopped: World, caplog: pytest.LogCaptureFixture
) -> None:
    async def conflicting_applies() -> int:
        applies = 0
        for _ in range(20):
            stopped.cluster.edit("Deployment", *KEY, lambda body: body["spec"].update(replicas=7))
            stopped.cluster.writes.clear()
            again = await stopped.reconcile()
            applies += stopped.cluster.writes.count("apply Deployment")
        assert again is not None
        assert again <= CONFLICT_PERIOD_SECONDS
        return applies

    assert await conflicting_applies() == MAX_CONFLICTING_WRITES
    # The status is still kept up to date.
    stopped.nodes.append(node_body("c", "10.0.0.3"))
    stopped.now += 1
    await stopped.reconcile()
    assert len(stopped.status()["urls"]) == 3
    for _ in range(3):
        stopped.now += CONFLICT_PERIOD_SECONDS
        assert await conflicting_applies() == 1
    assert caplog.text.count("another client keeps reverting spec.replicas of the Deployment") == 1
    stopped.now += MAX_CONFLICTING_WRITES * CONFLICT_PERIOD_SECONDS
    assert await conflicting_applies() == MAX_CONFLICTING_WRITES
    stopped.now += CONFLICT_PERIOD_SECONDS
    await stopped.settle()
    assert stopped.live("Deployment")["spec"]["replicas"] == 0


async def test_two_fields_that_are_reverted_in_turn_share_one_budget(stopped: World) -> None:
    """As an autoscaler and an image updater on one Deployment do."""

    def revert(body: Json, turn: int) -> None:
        if turn % 2:
            body["spec"]["replicas"] = 7
        else:
            body["spec"]["template"]["spec"]["containers"][0]["image"] = "other"

    start, applies = stopped.now, 0
    for turn in range(60):
        stopped.cluster.edit("Deployment", *KEY, lambda body: revert(body, turn))  # noqa: B023
        stopped.cluster.writes.clear()
        await stopped.reconcile()
        applies += stopped.cluster.writes.count("apply Deployment")
        stopped.now += 1
    assert stopped.now - start <= CONFLICT_PERIOD_SECONDS
    assert applies == MAX_CONFLICTING_WRITES


@pytest.mark.parametrize(
    "error",
    [ApiError(403, "Forbidden", "a policy forbids it"), ApiError(500, "InternalError", "etcd")],
    ids=["refused", "failed"],
)
async def test_an_apply_that_does_not_succeed_is_no_conflict(
    stopped: World, error: ApiError
) -> None:
    stopped.app(replicas=1)
    stopped.cluster.fail("apply Deployment", error, times=9)
    for _ in range(9):
        await stopped.fails()
        assert stopped.ready()[0] == "False"
    await stopped.reconcile()
    assert stopped.live("Deployment")["spec"]["replicas"] == 1


async def test_a_futile_difference_hides_no_other_value(stopped: World) -> None:
    """A webhook that rewrites the image must not hide that the image is any other one."""

    def rewrite(body: Json) -> None:
        if body.get("kind") == "Deployment":
            body["spec"]["template"]["spec"]["containers"][0]["image"] = "mirror.example/web:1"

    def container(body: Json) -> Json:
        first: Json = body["spec"]["template"]["spec"]["containers"][0]
        return first

    stopped.cluster.normalise = rewrite
    stopped.app(env=[{"name": "A", "value": "b"}])
    await stopped.settle()
    stopped.cluster.edit("Deployment", *KEY, lambda body: container(body).update(image="evil:1"))
    await stopped.settle()
    assert container(stopped.live("Deployment"))["image"] == "mirror.example/web:1"
