# SPDX-License-Identifier: Apache-2.0
"""The work queue, on a real event loop. Tests wait for events, and never sleep for long."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from exposedapp.workqueue.metrics import NoopQueueMetrics
from exposedapp.workqueue.priority import Priority
from exposedapp.workqueue.queue import (
    BACKOFF,
    WARN_AFTER_FAILURES,
    WORKERS,
    WorkQueue,
)
from exposedapp.workqueue.result import Result, ResultLabel
from support.tasks import running as run_tasks

DEADLINE_SECONDS = 10.0

DONE = Result()

FAILED = Result(backoff=True, message="try again")

Work = Callable[[str], Awaitable[Result]]


class Recorder(WorkQueue[str]):
    """Records the delays, and does not wait for them."""

    def __init__(self, work: Work) -> None:
        super().__init__(work)
        self.delays: list[float] = []

    def add_after(self, key: str, seconds: float) -> None:
        self.delays.append(seconds)
        super().add_after(key, 0)


@asynccontextmanager
async def running(queue: WorkQueue[str]) -> AsyncIterator[None]:
    workers = (queue.run_worker() for _ in range(queue.workers))
    async with run_tasks(*workers), asyncio.timeout(DEADLINE_SECONDS):
        yield


async def turns(count: int = 20) -> None:
    """Lets everything run that is ready to run."""
    for _ in range(count):
        await asyncio.sleep(0)


class Worked:
    """Work that counts, and an event for when it has been done often enough."""

    def __init__(self, times: int) -> None:
        self.times = times
        self.keys: list[str] = []
        self.done = asyncio.Event()

    async def __call__(self, key: str) -> Result:
        self.keys.append(key)
        if len(self.keys) >= self.times:
            self.done.set()
        return DONE


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

    async def __call__(self, key: str) -> Result:
        self.at_work[key] += 1
        self.most_at_work = max(self.most_at_work, self.at_work.total())
        self.most_of_a_key = max(self.most_of_a_key, self.at_work[key])
        self.started.release()
        await self.gate.wait()
        self.at_work[key] -= 1
        self.done[key] += 1
        self.finished.release()
        return DONE


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

    async def work(key: str) -> Result:
        if key == "slow":
            await release.wait()
            return DONE
        return await others(key)

    queue = WorkQueue(work)
    async with running(queue):
        queue.add("slow")
        for number in range(50):
            queue.add(f"key-{number}")
        await others.done.wait()


class Scripted:
    """Work that ends with each of some results in turn, raises those that are errors, and then is
    done."""

    def __init__(self, *results: Result | Exception) -> None:
        self.results = list(results)
        self.attempts = 0
        self.done = asyncio.Event()

    async def __call__(self, key: str) -> Result:
        self.attempts += 1
        if not self.results:
            self.done.set()
            return DONE
        result = self.results.pop(0)
        if isinstance(result, Exception):
            raise result
        return result


async def delays_after(*results: Result | Exception) -> list[float]:
    """The delay after each of these results."""
    work = Scripted(*results)
    queue = Recorder(work)
    async with running(queue):
        queue.add("a")
        await work.done.wait()
    assert work.attempts == len(results) + 1
    return queue.delays


async def test_back_off_grows_up_to_a_limit() -> None:
    delays = await delays_after(*[FAILED] * 30)
    for number, delay in enumerate(delays):
        longest = min(BACKOFF.initial * 2**number, BACKOFF.maximum)
        assert longest / 2 <= delay <= longest
    # With jitter: what failed together does not come back together.
    assert len(set(delays[-10:])) > 1


async def test_back_off_starts_again_after_a_success() -> None:
    delays = await delays_after(*[FAILED] * 8, Result(requeue_after=0.0), FAILED)
    assert delays[7] > BACKOFF.initial * 8
    assert delays[8] == 0.0
    assert delays[9] <= BACKOFF.initial


async def test_a_failing_key_does_not_make_another_wait_longer() -> None:
    failures = 5
    queue: Recorder

    async def work(key: str) -> Result:
        nonlocal failures
        if key == "bad" and failures:
            failures -= 1
            return FAILED
        if key == "bad":
            queue.add("other")
            return DONE
        if not done.is_set():
            done.set()
            return FAILED
        return DONE

    done = asyncio.Event()
    queue = Recorder(work)
    async with running(queue):
        queue.add("bad")
        await done.wait()
        await turns()
    assert queue.delays[-1] <= BACKOFF.initial


async def test_no_key_returns_before_retry_after_and_not_all_at_once() -> None:
    throttled = Result(backoff=True, message="throttled", min_delay=17.0)
    delays = await delays_after(*[throttled] * 10)
    assert min(delays) > 17.0
    assert len(set(delays)) == 10


async def test_back_off_grows_though_the_server_allows_an_immediate_retry() -> None:
    throttled = Result(backoff=True, message="throttled", min_delay=0.0)
    delays = await delays_after(*[throttled] * 10)
    assert delays[-1] >= BACKOFF.maximum / 2


async def test_a_change_does_not_wait_behind_a_storm_at_its_second_turn_either() -> None:
    """It is requeued, and then its pods change: the user is still waiting for the result."""
    order: list[str] = []
    my_turns, done = 0, asyncio.Event()

    async def work(key: str) -> Result:
        nonlocal my_turns
        order.append(key)
        if key != "mine":
            await asyncio.sleep(0)
            return DONE
        my_turns += 1
        if my_turns == 3:
            done.set()
            return DONE
        if my_turns == 2:
            queue.add("mine", Priority.LOW)
        return Result(requeue_after=0.0)

    queue = WorkQueue(work, workers=1)
    for number in range(500):
        queue.add(f"storm-{number}", Priority.NORMAL)
    queue.add("mine", Priority.HIGH)
    async with running(queue):
        await done.wait()
    assert len(order) < 20
    assert not queue._requeue_priority


async def test_no_more_keys_at_once_than_workers_are_asked_for() -> None:
    at_once, most_at_once = 0, 0

    async def work(_: str) -> Result:
        nonlocal at_once, most_at_once
        at_once += 1
        most_at_once = max(most_at_once, at_once)
        await asyncio.sleep(0)
        at_once -= 1
        return DONE

    queue = WorkQueue(work, workers=3)
    for number in range(20):
        queue.add(str(number))
    async with running(queue):
        await turns(200)
    assert most_at_once == 3


async def test_work_that_never_waits_does_not_block_the_event_loop() -> None:
    worked = 0

    async def work(_: str) -> Result:
        nonlocal worked
        worked += 1
        return DONE

    queue = WorkQueue(work, workers=1)
    for number in range(1000):
        queue.add(str(number))
    async with running(queue):
        await turns(5)
        assert 0 < worked < 10


async def test_an_unexpected_error_is_logged_and_retried(caplog: pytest.LogCaptureFixture) -> None:
    delays = await delays_after(KeyError("spec"), ZeroDivisionError())
    assert BACKOFF.initial / 2 <= delays[0] <= BACKOFF.initial
    assert BACKOFF.initial <= delays[1] <= 2 * BACKOFF.initial
    assert [record.levelname for record in caplog.records] == ["ERROR", "ERROR"]
    assert "a: unexpected error" in caplog.text


async def test_a_foreseen_failure_is_a_warning_only_when_it_has_happened_several_times(
    caplog: pytest.LogCaptureFixture,
) -> None:
    await delays_after(*[FAILED] * (WARN_AFTER_FAILURES - 1))
    assert [record for record in caplog.records if record.levelname != "DEBUG"] == []
    await delays_after(*[FAILED] * (WARN_AFTER_FAILURES + 2))
    (warning,) = (record for record in caplog.records if record.levelname != "DEBUG")
    assert warning.levelname == "WARNING"
    assert warning.getMessage().startswith("a: try again; next attempt in ")


async def test_no_key_waits_longer_than_its_failure_allows() -> None:
    limited = Result(requeue_after=2.0, backoff=True, message="try again")
    delays = await delays_after(*[limited] * 10)
    assert max(delays) == 2.0
    assert delays[0] <= BACKOFF.initial


class Labels(NoopQueueMetrics):
    """Records how the work ended."""

    def __init__(self) -> None:
        self.labels: list[ResultLabel] = []

    def ended(self, _: object, result: ResultLabel) -> None:
        self.labels.append(result)


async def test_each_end_of_the_work_has_its_label() -> None:
    work, metrics = (
        Scripted(
            Result(requeue_after=0.0),
            Result(requeue_after=0.0, backoff=True, message="an obstacle"),
            Result(requeue_after=0.0, backoff=True, message="no answer", error=OSError()),
        ),
        Labels(),
    )
    queue = WorkQueue(work, metrics=metrics)
    async with running(queue):
        queue.add("a")
        await work.done.wait()
        await turns()
        work.results = [ZeroDivisionError()]
        queue.add("a")
        await turns()
    assert metrics.labels == ["requeue_after", "requeue", "error", "success", "panic"]


async def test_a_key_is_requeued_after_the_delay_of_its_result() -> None:
    delays = await delays_after(Result(requeue_after=0.5), Result(requeue_after=0.25))
    assert delays == [0.5, 0.25]


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


async def test_a_key_added_while_it_is_worked_on_does_not_wait_for_its_requeue() -> None:
    release = asyncio.Event()
    started = asyncio.Event()
    count = 0
    done = asyncio.Event()

    async def work(key: str) -> Result:
        nonlocal count
        count += 1
        if count == 1:
            started.set()
            await release.wait()
            return Result(requeue_after=3600.0)
        done.set()
        return DONE

    queue = WorkQueue(work)
    async with running(queue):
        queue.add("a")
        await started.wait()
        queue.add("a")
        release.set()
        await done.wait()
    assert count == 2


async def test_stop_cancels_the_work_under_way() -> None:
    started, cancelled = asyncio.Event(), asyncio.Event()

    async def work(key: str) -> Result:
        started.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise
        return DONE

    queue = WorkQueue(work)
    async with running(queue):
        queue.add("a")
        queue.add_after("b", 3600)
        await started.wait()
    assert cancelled.is_set()
