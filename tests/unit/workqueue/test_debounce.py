# SPDX-License-Identifier: Apache-2.0
"""One call per burst of triggers, soon after its end, and in time when it never ends."""

import asyncio

import pytest

from exposedapp.workqueue.debounce import Debouncer
from support.virtual_time import in_virtual_time


async def calls(*triggers: float) -> list[float]:
    """When the function is called, in seconds, for triggers at these times."""
    loop, calls = asyncio.get_running_loop(), list[float]()
    start = loop.time()
    debouncer = Debouncer(
        lambda: calls.append(round(loop.time() - start, 3)),
        quiet_seconds=0.5,
        max_delay_seconds=2.0,
    )
    for time in triggers:
        await asyncio.sleep(start + time - loop.time())
        debouncer.trigger()
    await asyncio.sleep(10)
    return calls


@in_virtual_time
async def test_one_trigger() -> None:
    assert await calls(0) == [0.5]


@in_virtual_time
async def test_a_burst_leads_to_a_call_when_it_is_over() -> None:
    assert await calls(0, 0.1, 0.3, 0.7) == [1.2]


@in_virtual_time
async def test_a_burst_without_an_end_leads_to_calls_all_the_same() -> None:
    times = await calls(*(number * 0.4 for number in range(20)))
    assert times[0] == 2.0
    assert len(times) <= 5


@in_virtual_time
async def test_two_bursts_lead_to_two_calls() -> None:
    assert await calls(0, 3) == [0.5, 3.5]


@in_virtual_time
async def test_no_trigger_no_call() -> None:
    assert await calls() == []


def test_the_defaults_are_within_the_limits_of_the_design() -> None:
    """At most a second after the last trigger, five after the first."""
    debouncer = Debouncer(lambda: pytest.fail("there was no trigger"))
    assert debouncer._quiet_seconds <= 1
    assert debouncer._max_delay_seconds <= 5
