"""A burst of news is answered once, soon after its end, and not too late when it has none."""

import asyncio

import pytest

from exposedapp.workqueue.debounce import Debouncer
from support.virtual_time import in_virtual_time


async def answers(*times: float) -> list[float]:
    """When news at these times, in seconds, is answered."""
    loop, found = asyncio.get_running_loop(), list[float]()
    start = loop.time()
    burst = Debouncer(lambda: found.append(round(loop.time() - start, 3)), quiet=0.5, longest=2.0)
    for time in times:
        await asyncio.sleep(start + time - loop.time())
        burst.news()
    await asyncio.sleep(10)
    return found


@in_virtual_time
async def test_one_piece_of_news() -> None:
    assert await answers(0) == [0.5]


@in_virtual_time
async def test_a_burst_is_answered_when_it_is_over() -> None:
    assert await answers(0, 0.1, 0.3, 0.7) == [1.2]


@in_virtual_time
async def test_a_burst_without_an_end_is_answered_all_the_same() -> None:
    found = await answers(*(number * 0.4 for number in range(20)))
    assert found[0] == 2.0
    assert len(found) <= 5


@in_virtual_time
async def test_two_bursts_are_answered_twice() -> None:
    assert await answers(0, 3) == [0.5, 3.5]


@in_virtual_time
async def test_no_news_no_answer() -> None:
    assert await answers() == []


def test_within_what_is_promised() -> None:
    """The project's design: at most a second after the last news, five after the first."""
    burst = Debouncer(lambda: pytest.fail("there was no news"))
    assert burst._quiet <= 1
    assert burst._longest <= 5
