# SPDX-License-Identifier: Apache-2.0
"""However many pods there are, a poll reads few of them, and few polls are in flight."""

import asyncio
from collections.abc import AsyncGenerator

from exposedapp.api.meta import Json
from exposedapp.kube.client import PAGE_SIZE
from exposedapp.reconcile.pod_poller import (
    BUSY_SECONDS,
    INITIAL_POLL_SECONDS,
    MAX_CONCURRENT_POLLS,
    MAX_PAGES,
    MAX_POLL_SECONDS,
)
from support.harness import PODS, World
from support.objects import pod_body

PULL = {"reason": "ErrImagePull", "message": "not found"}


async def poll(world: World, pods: list[Json]) -> int:
    """Reconcile an app with these pods, until they are polled once; how many pages were read."""
    world.cluster.pod_list = pods
    world.app(replicas=len(pods))
    await world.reconcile()
    world.run_pods(ready=0, total=1)
    world.now += INITIAL_POLL_SECONDS
    world.cluster.requests.clear()
    await world.reconcile()
    return world.cluster.requests.count(PODS)


async def test_a_failure_in_the_first_page_needs_no_second(world: World) -> None:
    pods = [pod_body(f"web-{number}", waiting=PULL) for number in range(5 * PAGE_SIZE)]
    assert await poll(world, pods) == 1
    assert world.ready() == ("False", "ImagePullBackOff")


async def test_a_failure_in_the_last_page_is_found(world: World) -> None:
    pods = [pod_body(f"web-{number}") for number in range(2 * PAGE_SIZE)]
    assert await poll(world, [*pods, pod_body("web-last", waiting=PULL)]) == 3
    assert world.ready() == ("False", "ImagePullBackOff")
    assert "Pod web-last: not found" in world.message()


async def test_a_page_with_an_old_template_alone_decides_nothing(world: World) -> None:
    old = [pod_body(f"web-{number}", waiting=PULL) for number in range(PAGE_SIZE)]
    invalid = {"reason": "InvalidImageName"}
    new = pod_body("web-new", created="2026-02-01T00:00:00Z", waiting=invalid)
    new["metadata"]["labels"] = {"pod-template-hash": "new"}
    world.app(replicas=1)
    await world.reconcile()
    world.run_pods(ready=0, total=1)
    world.live("Deployment")["status"].update(replicas=PAGE_SIZE + 1, updatedReplicas=1)
    world.cluster.pod_list = [*old, new]
    world.now += INITIAL_POLL_SECONDS
    await world.reconcile()
    assert "Pod web-new: InvalidImageName" in world.message()


async def test_the_pages_of_a_poll_are_bounded(world: World) -> None:
    pods = [pod_body(f"web-{number}") for number in range(2 * MAX_PAGES * PAGE_SIZE)]
    assert await poll(world, pods) == MAX_PAGES


async def test_the_polls_in_flight_are_bounded(world: World) -> None:
    """A further poll does not wait: its worker continues with other apps."""
    release = asyncio.Event()

    async def pods(namespace: str, selector: str) -> AsyncGenerator[list[Json]]:
        await release.wait()
        yield []

    world.cluster.pods = pods  # type: ignore[method-assign]
    world.app(replicas=1)
    await world.reconcile()
    world.now += INITIAL_POLL_SECONDS
    polls = [asyncio.ensure_future(world.reconcile()) for _ in range(MAX_CONCURRENT_POLLS)]
    await asyncio.sleep(0)
    shortest, longest = BUSY_SECONDS
    assert shortest <= (await world.reconcile() or 0) <= longest
    release.set()
    await asyncio.gather(*polls)


async def test_a_selector_that_selects_no_pod_is_named(world: World) -> None:
    world.app(image=None, selector={"app": "nowhere"}, replicas=None)
    for _ in range(5):
        world.now += await world.reconcile() or 0
        await world.reconcile()
        world.now += MAX_POLL_SECONDS
    assert world.message() == (
        "0 of 0 pods with app=nowhere are ready. "
        "No pod in namespace shop has the labels app=nowhere of spec.selector."
    )
