# SPDX-License-Identifier: Apache-2.0
"""A way to the node that is cut is not taken for an app that does not answer. Virtual time."""

import asyncio
from dataclasses import replace

import pytest

from exposedapp.exposure.probes import ProbeOutcome, ProbeResult, Target
from exposedapp.probing.control import (
    CONTROL_TIMEOUT_SECONDS,
    MAX_CONTROL_AGE_SECONDS,
    ControlledAttempt,
)
from support.probes import LATE, OK, REFUSED, http_error
from support.virtual_time import in_virtual_time

NO_ROUTE = ProbeResult(ProbeOutcome.NO_ROUTE)
UNKNOWN_HOST = ProbeResult(ProbeOutcome.UNKNOWN_HOST)
CLOSED = ProbeResult(ProbeOutcome.CLOSED)
KUBELET = 10250
TARGET = Target(
    "http://10.0.0.1:30001", "10.0.0.1", 30001, True, 60.0, 2.0, 2, control_port=KUBELET
)


class Node:
    """The results of a URL and of the kubelet's port; records the probes of both."""

    def __init__(self, url: ProbeResult, kubelet: ProbeResult = OK, lasts: float = 0.0) -> None:
        self.results = {30001: url, KUBELET: kubelet}
        self.lasts = lasts
        self.probes: list[int] = []
        self.timeouts: list[float] = []
        """Of the probes of the kubelet's port."""
        self.attempt = ControlledAttempt(self._attempt, asyncio.get_running_loop().time)

    async def _attempt(self, target: Target) -> ProbeResult:
        assert target.http is (target.port != KUBELET), "a connection is enough for a control"
        self.probes.append(target.port)
        if target.port == KUBELET:
            self.timeouts.append(target.timeout)
        await asyncio.sleep(self.lasts)
        return self.results[target.port]


@pytest.mark.parametrize(
    ("url", "kubelet", "blocked"),
    [
        (LATE, LATE, True),
        (LATE, NO_ROUTE, True),
        (REFUSED, REFUSED, True),
        (LATE, OK, False),
        (REFUSED, OK, False),
        (LATE, REFUSED, False),
        (REFUSED, LATE, False),
        (NO_ROUTE, CLOSED, False),
    ],
)
@in_virtual_time
async def test_what_fails_as_the_kubelet_does_is_blocked(
    url: ProbeResult, kubelet: ProbeResult, blocked: bool
) -> None:
    assert await Node(url, kubelet).attempt(TARGET) == replace(url, blocked=blocked)


@pytest.mark.parametrize("url", [OK, http_error(503), CLOSED, UNKNOWN_HOST])
@in_virtual_time
async def test_what_proves_something_needs_no_control(url: ProbeResult) -> None:
    node = Node(url, LATE)
    assert await node.attempt(TARGET) == url
    assert node.probes == [30001]


@in_virtual_time
async def test_without_a_known_port_there_is_no_control() -> None:
    node = Node(LATE, LATE)
    assert await node.attempt(replace(TARGET, control_port=None)) == LATE
    assert node.probes == [30001]


@in_virtual_time
async def test_one_control_for_all_urls_that_fail_at_a_node() -> None:
    node = Node(LATE, LATE, lasts=2.0)
    results = await asyncio.gather(*(node.attempt(TARGET) for _ in range(50)))
    assert {result.blocked for result in results} == {True}
    assert node.probes.count(KUBELET) == 1
    await node.attempt(replace(TARGET, host="10.0.0.2"))
    assert node.probes.count(KUBELET) == 2, "another node, another way"


@in_virtual_time
async def test_no_app_sets_the_timeout_of_a_control_that_counts_for_all() -> None:
    """With 10 s all others would wait so long; with 1 s a SYN that is lost would count as a cut."""
    node = Node(LATE, LATE)
    for timeout in (10.0, 1.0):
        await node.attempt(replace(TARGET, timeout=timeout))
        await asyncio.sleep(MAX_CONTROL_AGE_SECONDS + 0.1)
    assert node.timeouts == [CONTROL_TIMEOUT_SECONDS] * 2


@in_virtual_time
async def test_a_control_counts_for_a_moment() -> None:
    node = Node(REFUSED, OK)
    assert not (await node.attempt(TARGET)).blocked
    node.results[KUBELET] = REFUSED
    assert not (await node.attempt(TARGET)).blocked
    await asyncio.sleep(MAX_CONTROL_AGE_SECONDS + 0.1)
    assert (await node.attempt(TARGET)).blocked


@in_virtual_time
async def test_a_control_that_is_cancelled_keeps_nobody_waiting() -> None:
    node = Node(LATE, LATE, lasts=2.0)
    first = asyncio.create_task(node.attempt(TARGET))
    second = asyncio.create_task(node.attempt(TARGET))
    await asyncio.sleep(3)
    first.cancel()
    assert (await second).blocked
