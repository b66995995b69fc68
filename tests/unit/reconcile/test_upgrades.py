# SPDX-License-Identifier: Apache-2.0
"""A new version of the operator that generates other children: which it changes, and when."""

from typing import Any

import pytest

from exposedapp.api.meta import HASH_ANNOTATION, Json, NamespacedName
from exposedapp.desired import metadata
from exposedapp.desired.deployment import make_deployment
from exposedapp.reconcile import children, upgrades
from exposedapp.reconcile.upgrades import (
    MAX_ROLLOUT_SECONDS,
    MAX_UPGRADES_UNDER_WAY,
    RETRY_SECONDS,
    Upgrades,
)
from support.harness import KEY, World

POLICY = "ClusterFirst"
OTHER = NamespacedName("shop", "other")


def release(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on another operator reconciles: it adds a field to every pod."""

    def make_another(*args: Any) -> Json | None:
        deployment = make_deployment(*args)
        if deployment:
            deployment["spec"]["template"]["spec"]["dnsPolicy"] = POLICY
            del deployment["metadata"]["annotations"][HASH_ANNOTATION]
            metadata.with_hash(deployment)
        return deployment

    monkeypatch.setattr(metadata, "GENERATOR_VERSION", 2)
    monkeypatch.setattr(children, "make_deployment", make_another)


def fill(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on as many upgrades as are allowed are under way."""
    monkeypatch.setattr(upgrades, "MAX_UPGRADES_UNDER_WAY", 0)
    monkeypatch.setattr(Upgrades, "admit", lambda *_: RETRY_SECONDS)


async def running_app(world: World) -> None:
    world.app(replicas=2)
    await world.settle()
    world.happened.clear()
    world.restart()


def is_upgraded(world: World) -> bool:
    template = world.live("Deployment")["spec"]["template"]
    return bool(template["spec"].get("dnsPolicy") == POLICY)


async def test_a_release_with_the_same_children_writes_nothing(world: World) -> None:
    await running_app(world)
    world.cluster.writes.clear()
    await world.reconcile()
    assert world.cluster.writes == []
    assert world.happened == []


async def test_other_children_are_told_as_an_upgrade(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await running_app(world)
    release(monkeypatch)
    await world.reconcile()
    assert is_upgraded(world)
    (upgraded,) = (event for event in world.happened if event.reason == "Upgraded")
    assert upgraded.message == (
        "Updated the Deployment and the Service: this version of the operator generates different "
        "children."
    )
    assert "Updated" not in {event.reason for event in world.happened}
    await world.settle()


async def test_an_app_waits_for_its_turn_unchanged(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await running_app(world)
    before, status = world.live("Deployment"), world.status()
    release(monkeypatch)
    fill(monkeypatch)
    assert await world.reconcile() == RETRY_SECONDS
    assert world.live("Deployment") == before
    assert world.status() == status


async def test_a_change_of_the_spec_does_not_wait(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await running_app(world)
    release(monkeypatch)
    fill(monkeypatch)
    world.app(replicas=3)
    await world.reconcile()
    assert world.live("Deployment")["spec"]["replicas"] == 3
    assert is_upgraded(world)


async def test_the_place_is_free_once_the_pods_are_replaced(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await running_app(world)
    release(monkeypatch)
    monkeypatch.setattr(upgrades, "MAX_UPGRADES_UNDER_WAY", 1)
    slots = world.reconciler._children._upgrades
    await world.reconcile()
    assert slots.admit(OTHER)
    world.run_pods(ready=2)
    await world.reconcile()
    assert slots.admit(OTHER) is None


async def test_a_refused_upgrade_keeps_no_place(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await running_app(world)
    release(monkeypatch)
    monkeypatch.setattr(upgrades, "MAX_UPGRADES_UNDER_WAY", 1)
    world.run_pods(ready=1, total=2)  # a rollout that has never come to its end
    world.refuse("apply Deployment", 403, "Forbidden", "a policy says no", times=9)
    await world.fails()
    assert world.ready() == ("False", "Forbidden")
    assert world.reconciler._children._upgrades.admit(OTHER) is None
    world.cluster.requests.clear()
    await world.reconcile()
    assert "apply Deployment" not in world.cluster.requests, "it waits for a place again"


async def test_a_deleted_app_frees_its_place(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await running_app(world)
    release(monkeypatch)
    monkeypatch.setattr(upgrades, "MAX_UPGRADES_UNDER_WAY", 1)
    await world.reconcile()
    assert world.reconciler._children._upgrades.admit(OTHER)
    del world.cluster.objects[("ExposedApp", *KEY)]
    await world.reconcile()
    assert world.reconciler._children._upgrades.admit(OTHER) is None


# --- the turns ------------------------------------------------------------------------------------


def key(number: int) -> NamespacedName:
    return NamespacedName("shop", f"app-{number}")


def rolling(*, complete: bool, progressing: str = "True") -> Json:
    pods = dict.fromkeys(("replicas", "updatedReplicas", "availableReplicas"), 1)
    return {
        "metadata": {"generation": 2},
        "spec": {"replicas": 1},
        "status": {
            **(pods if complete else {}),
            "observedGeneration": 2,
            "conditions": [{"type": "Progressing", "status": progressing}],
        },
    }


def test_no_more_than_the_limit_at_a_time() -> None:
    slots = Upgrades(lambda: 0.0)
    admitted = [slots.admit(key(number)) for number in range(MAX_UPGRADES_UNDER_WAY + 2)]
    assert admitted[:MAX_UPGRADES_UNDER_WAY] == [None] * MAX_UPGRADES_UNDER_WAY
    assert admitted[MAX_UPGRADES_UNDER_WAY:] == [RETRY_SECONDS] * 2
    slots.finish(key(0), rolling(complete=False))
    assert slots.admit(key(MAX_UPGRADES_UNDER_WAY)) is not None
    slots.finish(key(0), rolling(complete=True))
    assert slots.admit(key(MAX_UPGRADES_UNDER_WAY)) is None
    assert slots.admit(key(MAX_UPGRADES_UNDER_WAY + 1)) is not None


def test_a_rollout_that_kubernetes_gives_up_frees_its_place() -> None:
    slots = Upgrades(lambda: 0.0)
    for number in range(MAX_UPGRADES_UNDER_WAY):
        slots.admit(key(number))
    slots.finish(key(0), rolling(complete=False, progressing="False"))
    assert slots.admit(key(99)) is None


def test_an_app_that_is_deleted_frees_its_place() -> None:
    slots = Upgrades(lambda: 0.0)
    for number in range(MAX_UPGRADES_UNDER_WAY):
        slots.admit(key(number))
    slots.forget(key(0))
    assert slots.admit(key(99)) is None


def test_the_more_wait_the_later_they_ask_again() -> None:
    slots = Upgrades(lambda: 0.0)
    waits = [slots.admit(key(number)) or 0.0 for number in range(5 * MAX_UPGRADES_UNDER_WAY)]
    assert waits == sorted(waits)
    assert waits[-1] == 5 * RETRY_SECONDS


def test_a_paused_rollout_holds_no_place() -> None:
    slots = Upgrades(lambda: 0.0)
    for number in range(MAX_UPGRADES_UNDER_WAY):
        slots.admit(key(number))
    paused = rolling(complete=False, progressing="Unknown")
    paused["spec"]["paused"] = True
    slots.finish(key(0), paused)
    assert slots.admit(key(99)) is None


def test_a_rollout_that_never_ends_frees_its_place() -> None:
    now = 0.0
    slots = Upgrades(lambda: now)
    for number in range(MAX_UPGRADES_UNDER_WAY):
        slots.admit(key(number))
    now = MAX_ROLLOUT_SECONDS - 1
    assert slots.admit(key(99))
    now = MAX_ROLLOUT_SECONDS
    assert slots.admit(key(99)) is None


def test_who_does_not_ask_again_does_not_make_others_wait_longer() -> None:
    now = 0.0
    slots = Upgrades(lambda: now)
    delays = [slots.admit(key(number)) or 0.0 for number in range(5 * MAX_UPGRADES_UNDER_WAY)]
    assert delays[-1] > 2 * RETRY_SECONDS
    now = 2 * delays[-1]
    assert slots.admit(key(99)) == RETRY_SECONDS
