# SPDX-License-Identifier: Apache-2.0
"""The steps of an autoscaler, and the moments before the Deployment controller observes each."""

import pytest

from exposedapp.api.meta import Json
from support.harness import KEY, World


@pytest.fixture
async def four(world: World) -> World:
    """An app with four pods that are ready."""
    world.app(replicas=4)
    await world.reconcile()
    world.run_pods(ready=4)
    await world.settle()
    return world


def reconciling(world: World) -> bool:
    return any(each["type"] == "Reconciling" for each in world.status()["conditions"])


async def test_ready_stays_true_from_the_first_moment(four: World) -> None:
    four.app(replicas=5)
    await four.reconcile()  # the Deployment controller has not observed it
    assert four.ready() == ("True", "Available")
    assert reconciling(four)
    four.run_pods(ready=4, total=5)
    await four.reconcile()
    assert four.ready() == ("True", "Available")
    four.run_pods(ready=5)
    await four.settle()
    assert four.ready() == ("True", "Available")
    assert not reconciling(four)


async def test_a_changed_template_is_not_ready_from_the_first_moment(four: World) -> None:
    four.app(replicas=4, image="registry.example/web:2")
    await four.reconcile()
    assert four.ready() == ("False", "Progressing")


async def test_a_template_that_is_set_back_in_the_middle_of_a_rollout(four: World) -> None:
    four.app(replicas=4, image="registry.example/web:2")
    await four.reconcile()
    four.run_pods(ready=4)

    def replace_one(body: Json) -> None:
        body["status"] |= {"replicas": 5, "updatedReplicas": 1}

    four.cluster.edit("Deployment", *KEY, replace_one)
    await four.reconcile()
    four.app(replicas=4)
    await four.reconcile()
    assert four.ready() == ("False", "Progressing")


async def test_after_a_restart_the_deployment_shows_it(four: World) -> None:
    def scale(body: Json) -> None:
        done = {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"}
        body["status"] |= {"replicas": 5, "updatedReplicas": 5, "conditions": [done]}

    four.app(replicas=5)
    await four.reconcile()
    four.run_pods(ready=4, total=5)
    four.cluster.edit("Deployment", *KEY, scale)
    four.restart()
    await four.reconcile()
    assert four.ready() == ("True", "Available")
    assert reconciling(four)
