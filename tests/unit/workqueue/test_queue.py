"""The work queue, on a real event loop. Nothing sleeps for long: what happens is waited for."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from exposedapp.workqueue.errors import Retry
from exposedapp.workqueue.priority import Priority
from exposedapp.workqueue.queue import (
    INITIAL_BACKOFF_SECONDS,
    MAX_BACKOFF_SECONDS,
    WORKERS,
    WorkQueue,
)

DEADLINE_SECONDS = 10.0

Work = Callable[[str], Awaitable[float | None]]


class Recorder(WorkQueue[str]):
    """Remembers the delays that are asked for, and does not wait for them."""

    def __init__(self, work: Work) -> None:
        super().__init__(work)
        self.delays: list[float] = []

    def add_after(self, key: str, seconds: float) -> None:
        self.delays.append(seconds)
        super().add_after(key, 0)


@asynccontextmanager
async def running(queue: WorkQueue[str]) -> AsyncIterator[None]:
    queue.start()
    try:
        async with asyncio.timeout(DEADLINE_SECONDS):
            yield
    finally:
        await queue.stop()


async def turns(count: int = 20) -> None:
    """Lets everything happen that is ready to happen."""
    for _ in range(count):
        await asyncio.sleep(0)


class Worked:
    """Work that counts, and an event for when it has been done often enough."""

    def __init__(self, times: int) -> None:
        self.times = times
        self.keys: list[str] = []
        self.done = asyncio.Event()

    async def __call__(self, key: str) -> float | None:
        self.keys.append(key)
        if len(self.keys) >= self.times:
            self.done.set()
        return None


async def test_every_key_is_worked_on() -> None:
    work = Worked(3)
    queue = WorkQueue(work)
    async with running(queue):
        for key in ("a", "b", "c"):
            queue.add(key)
        await work.done.wait()
    assert sorted(work.keys) == ["a", "b", "c"]


async def test_keys_may_be_added_before_the_start() -> None:
    work = Worked(2)
    queue = WorkQueue(work)
    queue.add("a")
    queue.add("b")
    await turns()
    assert work.keys == []
    async with running(queue):
        await work.done.wait()
    assert work.keys == ["a", "b"]


async def test_a_key_added_often_is_worked_on_once() -> None:
    work = Worked(2)
    queue = WorkQueue(work)
    for _ in range(5):
        queue.add("a")
    queue.add("last")
    async with running(queue):
        await work.done.wait()
        await turns()
    assert work.keys == ["a", "last"]


class Gated:
    """Work that waits for a gate, and knows how many are at it."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.started = asyncio.Semaphore(0)
        self.at_work: Counter[str] = Counter()
        self.most_at_work = 0
        self.most_of_a_key = 0
        self.done: Counter[str] = Counter()
        self.finished = asyncio.Semaphore(0)

    async def __call__(self, key: str) -> float | None:
        self.at_work[key] += 1
        self.most_at_work = max(self.most_at_work, self.at_work.total())
        self.most_of_a_key = max(self.most_of_a_key, self.at_work[key])
        self.started.release()
        await self.gate.wait()
        self.at_work[key] -= 1
        self.done[key] += 1
        self.finished.release()
        return None


async def times(count: int, semaphore: asyncio.Semaphore) -> None:
    for _ in range(count):
        await semaphore.acquire()


async def test_one_worker_per_key_and_a_key_added_meanwhile_is_done_once_more() -> None:
    work = Gated()
    queue = WorkQueue(work)
    async with running(queue):
        queue.add("a")
        await work.started.acquire()
        for _ in range(3):
            queue.add("a")
        await turns()
        assert work.at_work["a"] == 1
        work.gate.set()
        await times(2, work.finished)
        await turns()
    assert work.done == {"a": 2}
    assert work.most_of_a_key == 1


async def test_many_keys_at_once_but_not_more_than_there_are_workers() -> None:
    work = Gated()
    queue = WorkQueue(work)
    keys = [f"key-{number}" for number in range(3 * WORKERS)]
    async with running(queue):
        for key in keys:
            queue.add(key)
        await times(WORKERS, work.started)
        await turns()
        assert work.at_work.total() == WORKERS
        work.gate.set()
        await times(len(keys), work.finished)
    assert work.most_at_work == WORKERS
    assert work.done == dict.fromkeys(keys, 1)


async def test_a_slow_key_does_not_hold_up_the_others() -> None:
    release = asyncio.Event()
    others = Worked(50)

    async def work(key: str) -> float | None:
        if key == "slow":
            await release.wait()
            return None
        return await others(key)

    queue = WorkQueue(work)
    async with running(queue):
        queue.add("slow")
        for number in range(50):
            queue.add(f"key-{number}")
        await others.done.wait()


class Failing:
    """Work that raises each of some errors in turn, then goes well."""

    def __init__(self, *errors: Exception | None) -> None:
        self.errors = list(errors)
        self.attempts = 0
        self.done = asyncio.Event()

    async def __call__(self, key: str) -> float | None:  # noqa: ARG002
        self.attempts += 1
        if not self.errors:
            self.done.set()
            return None
        if (error := self.errors.pop(0)) is not None:
            raise error
        return 0.0


async def attempts(*errors: Exception | None) -> list[float]:
    """The delays after each of these errors; None is a success that wants to look again."""
    work = Failing(*errors)
    queue = Recorder(work)
    async with running(queue):
        queue.add("a")
        await work.done.wait()
    assert work.attempts == len(errors) + 1
    return queue.delays


async def test_back_off_grows_up_to_a_limit() -> None:
    delays = await attempts(*[Retry("again") for _ in range(30)])
    for number, delay in enumerate(delays):
        longest = min(INITIAL_BACKOFF_SECONDS * 2**number, MAX_BACKOFF_SECONDS)
        assert longest / 2 <= delay <= longest
    # With jitter: what failed together does not come back together.
    assert len(set(delays[-10:])) > 1


async def test_back_off_starts_anew_after_a_success() -> None:
    delays = await attempts(*[Retry("again") for _ in range(8)], None, Retry("again"))
    assert delays[7] > INITIAL_BACKOFF_SECONDS * 8
    assert delays[8] == 0.0
    assert delays[9] <= INITIAL_BACKOFF_SECONDS


async def test_a_failing_key_does_not_make_another_wait_longer() -> None:
    failures = 5
    queue: Recorder

    async def work(key: str) -> float | None:
        nonlocal failures
        if key == "bad" and failures:
            failures -= 1
            raise Retry("again")
        if key == "bad":
            queue.add("other")
            return None
        if not done.is_set():
            done.set()
            raise Retry("once")
        return None

    done = asyncio.Event()
    queue = Recorder(work)
    async with running(queue):
        queue.add("bad")
        await done.wait()
        await turns()
    assert queue.delays[-1] <= INITIAL_BACKOFF_SECONDS


async def test_nobody_comes_back_before_retry_after_and_not_all_at_once() -> None:
    delays = await attempts(*[Retry("throttled", after=17.0) for _ in range(10)])
    assert min(delays) > 17.0
    assert len(set(delays)) == 10


async def test_a_server_that_says_at_once_is_not_asked_without_end() -> None:
    delays = await attempts(*[Retry("throttled", after=0.0) for _ in range(10)])
    assert delays[-1] >= MAX_BACKOFF_SECONDS / 2


async def test_a_change_does_not_wait_behind_a_storm_at_its_second_turn_either() -> None:
    """It wants to look again, and then there is news of its pods: all of that is waited for."""
    order: list[str] = []
    turns_of_mine, done = 0, asyncio.Event()

    async def work(key: str) -> float | None:
        nonlocal turns_of_mine
        order.append(key)
        if key != "mine":
            await asyncio.sleep(0)
            return None
        turns_of_mine += 1
        if turns_of_mine == 3:
            done.set()
            return None
        if turns_of_mine == 2:
            queue.add("mine", Priority.LOW)
        return 0.0

    queue = WorkQueue(work, workers=1)
    for number in range(500):
        queue.add(f"storm-{number}", Priority.NORMAL)
    queue.add("mine", Priority.HIGH)
    async with running(queue):
        await done.wait()
    assert len(order) < 20
    assert not queue._unsettled


async def test_only_so_many_at_once_as_are_asked_for() -> None:
    at_once, most = 0, 0

    async def work(_: str) -> None:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        await asyncio.sleep(0)
        at_once -= 1

    queue = WorkQueue(work, workers=3)
    for number in range(20):
        queue.add(str(number))
    async with running(queue):
        await turns(200)
    assert most == 3


async def test_work_that_waits_for_nothing_leaves_others_their_turn() -> None:
    seen = 0

    async def work(_: str) -> None:
        nonlocal seen
        seen += 1

    queue = WorkQueue(work, workers=1)
    for number in range(1000):
        queue.add(str(number))
    async with running(queue):
        await turns(5)
        assert 0 < seen < 10


async def test_an_unexpected_error_is_told_and_retried(caplog: pytest.LogCaptureFixture) -> None:
    delays = await attempts(KeyError("spec"), ZeroDivisionError())
    assert INITIAL_BACKOFF_SECONDS / 2 <= delays[0] <= INITIAL_BACKOFF_SECONDS
    assert INITIAL_BACKOFF_SECONDS <= delays[1] <= 2 * INITIAL_BACKOFF_SECONDS
    assert [record.levelname for record in caplog.records] == ["ERROR", "ERROR"]
    assert "a: unexpected error" in caplog.text


async def test_what_is_expected_to_fail_is_no_error_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    await attempts(Retry("the API server is away"))
    assert [record for record in caplog.records if record.levelname != "DEBUG"] == []


async def test_the_work_says_when_it_wants_to_look_again() -> None:
    looks = iter([0.5, 0.25, None])
    done = asyncio.Event()

    async def work(key: str) -> float | None:
        again = next(looks)
        if again is None:
            done.set()
        return again

    queue = Recorder(work)
    async with running(queue):
        queue.add("a")
        await done.wait()
        await turns()
    assert queue.delays == [0.5, 0.25]


async def test_adding_a_key_comes_before_its_timer_and_replaces_it() -> None:
    work = Worked(2)
    queue = WorkQueue(work)
    async with running(queue):
        queue.add_after("a", 0.01)
        queue.add("a")
        # Timers ring in order: when this one has, the first would have too.
        queue.add_after("sentinel", 0.02)
        await work.done.wait()
        await turns()
    assert work.keys == ["a", "sentinel"]


async def test_a_later_timer_replaces_an_earlier_one() -> None:
    work = Worked(2)
    queue = WorkQueue(work)
    async with running(queue):
        queue.add_after("a", 0.01)
        queue.add_after("a", 0.03)
        queue.add_after("sentinel", 0.02)
        await work.done.wait()
        await turns()
    assert work.keys == ["sentinel", "a"]


async def test_a_key_added_while_busy_does_not_wait_for_what_the_work_returned() -> None:
    release = asyncio.Event()
    started = asyncio.Event()
    count = 0
    done = asyncio.Event()

    async def work(key: str) -> float | None:
        nonlocal count
        count += 1
        if count == 1:
            started.set()
            await release.wait()
            return 3600.0
        done.set()
        return None

    queue = WorkQueue(work)
    async with running(queue):
        queue.add("a")
        await started.wait()
        queue.add("a")
        release.set()
        await done.wait()
    assert count == 2


async def test_stop_ends_what_is_under_way() -> None:
    started, cancelled = asyncio.Event(), asyncio.Event()

    async def work(key: str) -> float | None:
        started.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise
        return None

    queue = WorkQueue(work)
    async with running(queue):
        queue.add("a")
        queue.add_after("b", 3600)
        await started.wait()
    assert cancelled.is_set()
