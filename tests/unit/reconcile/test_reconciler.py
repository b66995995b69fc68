# SPDX-License-Identifier: Apache-2.0
"""The reconciler: it sends nothing where nothing differs, and reverts drift."""

from collections.abc import Callable

import pytest

from exposedapp.api.meta import Json
from exposedapp.reconcile.reconciler import DELETION_CHECK_SECONDS
from exposedapp.workqueue.result import Result
from support.harness import KEY, World

CREATION = ["apply Deployment", "apply Service", "patch status"]


# --- nothing to do means nothing sent -------------------------------------------------------------


async def test_a_new_app_without_pods_takes_three_writes(world: World) -> None:
    world.app()
    await world.reconcile()
    assert sorted(world.cluster.writes) == CREATION
    assert world.ready() == ("True", "ScaledToZero")
    assert world.status()["url"] == "http://10.0.0.1:30000"
    assert world.status()["observedGeneration"] == 1


async def test_a_second_reconcile_asks_and_writes_nothing(stopped: World) -> None:
    assert await stopped.reconcile() is None
    assert stopped.cluster.requests == []


async def test_own_writes_are_known_before_their_events_come(world: World) -> None:
    world.app()
    world.watch()
    assert not (await world.reconciler.reconcile(KEY)).backoff
    world.cluster.requests.clear()
    assert not (await world.reconciler.reconcile(KEY)).backoff
    assert world.cluster.requests == []


async def test_a_restart_asks_and_writes_nothing(running: World) -> None:
    running.restart()
    assert await running.reconcile() is None
    assert running.cluster.requests == []


async def test_a_new_app_with_pods_takes_few_writes_until_it_is_ready(world: World) -> None:
    world.app(replicas=2)
    await world.reconcile()
    assert world.ready() == ("False", "Progressing")
    world.run_pods(ready=0, total=2)
    await world.reconcile()
    world.run_pods(ready=1, total=2)
    await world.reconcile()
    world.run_pods(ready=2)
    await world.reconcile()
    assert world.ready() == ("True", "Available")
    assert len(world.cluster.writes) <= 6


async def test_heartbeats_write_nothing(running: World) -> None:
    for beat in range(100):
        running.nodes[0]["status"]["conditions"][1]["lastHeartbeatTime"] = str(beat)
        await running.reconcile()
    assert running.cluster.requests == []


async def test_a_change_without_a_rollout_takes_two_writes(running: World) -> None:
    running.app(replicas=2, ports=[{"port": 81, "targetPort": 80}])
    await running.reconcile()
    assert running.cluster.writes == ["apply Service", "patch status"]


# --- drift ----------------------------------------------------------------------------------------


def set_replicas(body: Json) -> None:
    body["spec"]["replicas"] = 7


def set_image(body: Json) -> None:
    body["spec"]["template"]["spec"]["containers"][0]["image"] = "other"


def remove_containers(body: Json) -> None:
    body["spec"]["template"]["spec"]["containers"] = []


def remove_label(body: Json) -> None:
    del body["metadata"]["labels"]["app.kubernetes.io/managed-by"]


def set_service_selector(body: Json) -> None:
    body["spec"]["selector"] = {"exposedapp.dev/name": "other"}


def set_target_port(body: Json) -> None:
    body["spec"]["ports"][0]["targetPort"] = 1


def set_hash(body: Json) -> None:
    body["metadata"]["annotations"]["exposedapp.dev/desired-hash"] = "old"


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("Deployment", set_replicas),
        ("Deployment", set_image),
        ("Deployment", remove_containers),
        ("Deployment", remove_label),
        ("Deployment", set_hash),
        ("Service", set_service_selector),
        ("Service", set_target_port),
    ],
)
async def test_what_others_changed_is_put_back(
    stopped: World, kind: str, change: Callable[[Json], None]
) -> None:
    before = stopped.live(kind)
    stopped.cluster.edit(kind, *KEY, change)
    await stopped.reconcile()
    assert stopped.cluster.writes == [f"apply {kind}"]
    assert stopped.live(kind)["spec"] == before["spec"]
    assert stopped.live(kind)["metadata"]["labels"] == before["metadata"]["labels"]
    await stopped.settle()


async def test_what_others_added_stays(stopped: World) -> None:
    def add(body: Json) -> None:
        body["metadata"]["labels"]["theirs"] = "yes"
        body["spec"]["paused"] = True

    stopped.cluster.edit("Deployment", *KEY, add)
    await stopped.reconcile()
    assert stopped.cluster.writes == []


async def test_a_field_dropped_from_the_spec_goes(stopped: World) -> None:
    stopped.app(resources={"limits": {"cpu": "1"}})
    await stopped.settle()
    assert "resources" in stopped.live("Deployment")["spec"]["template"]["spec"]["containers"][0]
    stopped.app()
    await stopped.reconcile()
    (container,) = stopped.live("Deployment")["spec"]["template"]["spec"]["containers"]
    assert "resources" not in container


@pytest.mark.parametrize("kind", ["Deployment", "Service"])
async def test_a_deleted_child_is_made_again(stopped: World, kind: str) -> None:
    stopped.cluster.remove(kind, *KEY)
    await stopped.settle()
    assert stopped.live(kind)["metadata"]["ownerReferences"][0]["name"] == "web"


async def test_a_server_that_normalises_costs_one_request_and_no_loop(world: World) -> None:
    def shorten(body: Json) -> None:
        if "replicas" in body["spec"]:
            body["spec"]["template"]["spec"]["containers"][0]["image"] = "normalised"

    world.cluster.normalise = shorten
    world.app()
    await world.reconcile()
    world.cluster.writes.clear()
    for _ in range(10):
        await world.reconcile()
    assert world.cluster.writes == ["apply Deployment"]
    # Drift beside it is still noticed and reverted, and nothing more is written.
    world.cluster.edit("Deployment", *KEY, set_replicas)
    await world.reconcile()
    assert world.live("Deployment")["spec"]["replicas"] == 0
    await world.settle()


# --- the app itself -------------------------------------------------------------------------------


async def test_an_app_that_is_being_deleted_is_left_alone(stopped: World) -> None:
    def delete(body: Json) -> None:
        body["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"

    stopped.cluster.edit("ExposedApp", *KEY, delete)
    stopped.cluster.remove("Deployment", *KEY)
    assert await stopped.reconcile() is None
    assert stopped.cluster.requests == []


@pytest.mark.parametrize("replaced", [False, True])
async def test_children_that_went_with_their_app_are_not_made_again(
    stopped: World, replaced: bool
) -> None:
    """The event of the app's deletion has not come yet, or is lost."""
    for kind in ("Deployment", "Service", "ExposedApp"):
        stopped.cluster.remove(kind, *KEY)
    for store in stopped.cache.children.values():
        for key in store:
            store.delete_if(key, (store.get(key) or {})["metadata"]["uid"])
    if replaced:
        stopped.app()
    assert await stopped.reconciler.reconcile(KEY) == Result(requeue_after=DELETION_CHECK_SECONDS)
    assert stopped.cluster.writes == []
    assert stopped.prober.targets == []


async def test_an_unknown_app_is_nothing_to_do(world: World) -> None:
    assert await world.reconcile() is None
    assert world.cluster.requests == []


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"ports": [{"port": 80, "targetPort": "web"}]}, "spec.ports[0].targetPort"),
        ({"ports": [{"port": 80, "protocol": "QUIC"}]}, "spec.ports.0.protocol"),
        ({"image": ""}, "spec.image"),
    ],
    ids=["name of no port", "by an older schema", "empty"],
)
async def test_a_spec_that_cannot_work_changes_nothing_but_the_status(
    stopped: World, spec: Json, message: str
) -> None:
    stopped.app(**spec)
    stopped.cluster.writes.clear()
    await stopped.fails()
    assert stopped.cluster.writes == ["patch status"]
    assert stopped.ready() == ("False", "InvalidSpec")
    assert message in stopped.message()
    assert stopped.status()["observedGeneration"] == 2
    assert stopped.status()["url"] == "http://10.0.0.1:30000"
    stopped.app()
    await stopped.settle()
    assert stopped.ready() == ("True", "ScaledToZero")


async def test_a_status_that_is_not_one_is_written_anew(stopped: World) -> None:
    stopped.live("ExposedApp")["status"] = {"observedGeneration": "seven", "urls": {}}
    stopped.live("ExposedApp")["metadata"]["resourceVersion"] = "1000"
    await stopped.reconcile()
    assert stopped.ready() == ("True", "ScaledToZero")
