# SPDX-License-Identifier: Apache-2.0
"""A request for a child that fails does not keep what is known out of the status."""

import pytest

from exposedapp.kube.errors import ApiError
from support.harness import AWAY, BUSY, KEY, World
from support.objects import node_body

INTERNAL = ApiError(500, "InternalError", "etcdserver: leader changed")
ERRORS = {"500": INTERNAL, "no response": AWAY, "throttled": BUSY}

CHANGES = {
    "Deployment": {"replicas": 2, "image": "registry.example/web:2"},
    "Service": {"replicas": 2, "ports": [{"port": 81, "targetPort": 80}]},
}
"""A change of the spec that concerns this child alone."""


def lose_a_node(world: World) -> None:
    world.nodes[1] = node_body("b", "10.0.0.2", ready=False)


@pytest.mark.parametrize("error", ERRORS.values(), ids=ERRORS)
@pytest.mark.parametrize("kind", CHANGES)
@pytest.mark.parametrize("times", [1, 5])
async def test_a_node_is_not_listed_while_a_child_cannot_be_applied(
    running: World, kind: str, error: ApiError, times: int
) -> None:
    running.app(**CHANGES[kind])
    lose_a_node(running)
    running.cluster.fail(f"apply {kind}", error, times)
    for _ in range(times):
        result = await running.fails()
        assert (result.error, result.min_delay) == (error, error.retry_after)
        assert [url.partition(":3")[0] for url in running.status()["urls"]] == ["http://10.0.0.1"]
    await running.settle()
    assert running.ready() == ("True", "Available")


@pytest.mark.parametrize("kind", CHANGES)
async def test_a_spec_that_is_not_applied_yet_is_not_ready(running: World, kind: str) -> None:
    running.app(**CHANGES[kind])
    running.cluster.fail(f"apply {kind}", INTERNAL)
    await running.fails()
    assert running.status()["observedGeneration"] == 2
    assert running.ready() == ("False", "Progressing")
    assert running.message() == f"The {kind} is not applied yet: etcdserver: leader changed"


async def test_drift_that_cannot_be_repaired_at_once_does_not_make_an_app_unready(
    running: World,
) -> None:
    running.cluster.edit("Deployment", *KEY, lambda body: body["metadata"]["labels"].clear())
    running.cluster.put("Deployment", running.live("Deployment"))
    running.cluster.fail("apply Deployment", INTERNAL)
    running.watch()
    await running.fails()
    assert running.ready() == ("True", "Available")


@pytest.mark.parametrize("kind", CHANGES)
async def test_what_was_created_is_reported_though_the_other_child_failed(
    world: World, kind: str
) -> None:
    other = "Service" if kind == "Deployment" else "Deployment"
    world.cluster.fail(f"apply {kind}", INTERNAL)
    world.app()
    await world.fails()
    assert [event.message for event in world.happened if event.reason == "Created"] == [
        f"Created the {other}."
    ]
    assert world.status()["observedGeneration"] == 1


@pytest.mark.parametrize("kind", CHANGES)
async def test_a_failed_read_of_what_has_a_childs_name(running: World, kind: str) -> None:
    """After another client has deleted the child."""
    running.cluster.remove(kind, *KEY)
    lose_a_node(running)
    running.cluster.fail(f"get {kind}", AWAY)
    result = await running.fails()
    assert result.error is AWAY
    assert running.ready() == ("False", "Progressing")
    urls = running.status().get("urls", [])
    assert not [url for url in urls if "10.0.0.2" in url]
    await running.settle()
    assert running.ready() == ("True", "Available")


async def test_a_failed_read_of_the_app_itself(running: World) -> None:
    running.cluster.remove("Deployment", *KEY)
    lose_a_node(running)
    running.cluster.fail("get ExposedApp", AWAY)
    result = await running.fails()
    assert result.error is AWAY
    assert not running.has("Deployment")
    assert [url for url in running.status()["urls"] if "10.0.0.2" in url] == []
    await running.settle()


async def test_a_failed_read_of_who_has_the_node_port(world: World) -> None:
    world.other_service(30080)
    world.app(ports=[{"port": 80, "nodePort": 30080}])
    world.cluster.fail("services", AWAY)
    result = await world.fails()
    assert result.error is AWAY
    assert world.status()["observedGeneration"] == 1
    assert world.ready() == ("False", "Progressing")


async def test_a_failed_deletion_of_the_deployment(running: World) -> None:
    running.app(image=None, replicas=None, selector={"app": "other"})
    lose_a_node(running)
    running.cluster.fail("delete Deployment", INTERNAL)
    result = await running.fails()
    assert result.error is INTERNAL
    assert running.status()["observedGeneration"] == 2
    await running.settle_all()
    assert not running.has("Deployment")


async def test_a_failure_that_lasts_writes_the_status_once(running: World) -> None:
    running.app(**CHANGES["Deployment"])
    running.cluster.fail("apply Deployment", INTERNAL, times=20)
    for _ in range(20):
        await running.fails()
        running.now += 60
    assert running.cluster.writes.count("patch status") == 1


async def test_the_api_servers_delay_is_kept_whatever_else_is_due(world: World) -> None:
    world.app(replicas=1)
    world.cluster.fail("apply Service", BUSY)
    result = await world.fails()
    assert result.min_delay == BUSY.retry_after
    assert result.requeue_after is None or result.requeue_after >= (BUSY.retry_after or 0)
