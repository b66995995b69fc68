# SPDX-License-Identifier: Apache-2.0
import pytest
from hypothesis import settings

from support.harness import World

# The same examples at every run: a failure is one of the change, not of the dice.
settings.register_profile("unit", deadline=None, derandomize=True)
settings.load_profile("unit")


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
async def stopped(world: World) -> World:
    """An app without pods, as it is when nothing happens."""
    world.app()
    await world.settle()
    world.cluster.requests.clear()
    return world


@pytest.fixture
async def running(world: World) -> World:
    """An app with two pods, as it is when nothing happens."""
    world.app(replicas=2)
    await world.reconcile()
    world.run_pods(ready=2)
    await world.settle()
    world.cluster.requests.clear()
    return world
