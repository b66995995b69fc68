"""A keyed work queue: at most one worker per key, nothing lost, nothing done twice.

The rules are those of client-go's workqueue: a key that is added while it is being worked on is
done once more afterwards; one that fails comes back later and later. Which key is next: lanes.py.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

from exposedapp.workqueue.errors import Retry
from exposedapp.workqueue.fair_queue import FairQueue
from exposedapp.workqueue.metrics import NoopQueueMetrics, QueueMetrics, Result
from exposedapp.workqueue.priority import Priority

K = TypeVar("K", bound=Hashable)
log = logging.getLogger(__name__)

WORKERS = 32

LOW_PRIORITY_EVERY = 16
"""What is swept in a storm is mostly its own echo: the more of it comes together, the better."""

INITIAL_BACKOFF_SECONDS = 0.5

MAX_BACKOFF_SECONDS = 60.0

WARN_AFTER_FAILURES = 3


class WorkQueue(Generic[K]):
    """Runs `work(key)` for every key that is added.

    The work returns after how many seconds it wants to look again, or None.
    """

    def __init__(
        self,
        work: Callable[[K], Awaitable[float | None]],
        flow: Callable[[K], Hashable] = lambda _: None,
        hooks: QueueMetrics | None = None,
        workers: int = WORKERS,
    ) -> None:
        """Keys of one `flow` wait for each other, those of several take turns.

        More workers than requests may be under way would only wait for each other, in whose order
        no lane counts.
        """
        self._work = work
        self._hooks = hooks or NoopQueueMetrics()
        self._workers = workers
        self._waiting = FairQueue(flow, LOW_PRIORITY_EVERY)
        self._busy: dict[K, Priority | None] = {}
        """What is being worked on, and in which lane it is to be done once more, if at all."""
        self._unsettled: dict[K, Priority] = {}
        """What is to be looked at again, and the lane of its last turn: as long as something is to
        come of a change, who made it waits for that, too."""
        self._failures: dict[K, int] = {}
        self._timers: dict[K, asyncio.TimerHandle] = {}
        self._wake = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def is_behind(self) -> bool:
        """Whether keys wait for a worker."""
        return len(self._waiting) > 0

    def start(self) -> None:
        """Starts the workers. Keys may be added before."""
        self._hooks.workers(self._workers)
        self._tasks = [asyncio.create_task(self._worker()) for _ in range(self._workers)]

    async def stop(self) -> None:
        """Ends the workers. What is under way is cancelled: the next start looks anew."""
        for timer in self._timers.values():
            timer.cancel()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def add(self, key: K, priority: Priority = Priority.LOW) -> None:
        """Has the key worked on as soon as it is its turn and a worker is free."""
        if timer := self._timers.pop(key, None):
            timer.cancel()
        self._hooks.added(key)
        priority = min(priority, self._unsettled.get(key, priority))
        if key in self._busy:
            known = self._busy[key]
            self._busy[key] = priority if known is None else min(priority, known)
        else:
            self._waiting.add(key, priority)
            self._wake.set()

    def add_after(self, key: K, seconds: float) -> None:
        """Has the key worked on later, or when it is added, whichever comes first."""
        if timer := self._timers.pop(key, None):
            timer.cancel()
        loop = asyncio.get_running_loop()
        self._timers[key] = loop.call_later(seconds, self.add, key)

    async def _worker(self) -> None:
        while True:
            while not self._waiting:
                self._wake.clear()
                await self._wake.wait()
            key, turn = self._waiting.pop()
            self._busy[key] = None
            self._hooks.started(key)
            again, result = await self._attempt(key)
            self._hooks.ended(key, result)
            if again is None:
                self._unsettled.pop(key, None)
            else:
                self._unsettled[key] = turn
            priority = self._busy.pop(key)
            if priority is not None:
                self._waiting.add(key, priority)
                self._wake.set()
            elif again is not None:
                self.add_after(key, again)
            # Others have their turn also when nothing of all this waited for anything.
            await asyncio.sleep(0)

    async def _attempt(self, key: K) -> tuple[float | None, Result]:
        try:
            again = await self._work(key)
        except Retry as retry:
            # A server that is overloaded says the same to all: they must not return together.
            after = self._back_off(key) + (retry.after or 0)
            if retry.at_most is not None:
                after = min(after, retry.at_most)
            often = self._failures.get(key) == WARN_AFTER_FAILURES
            level = logging.WARNING if often else logging.DEBUG
            log.log(level, "%s: %s; next try in %.1f s", key, retry, after)
            return after, "error" if retry.__cause__ else "requeue"
        except Exception:
            after = self._back_off(key)
            log.exception("%s: unexpected error; next try in %.1f s", key, after)
            return after, "panic"
        self._failures.pop(key, None)
        return again, "success" if again is None else "requeue_after"

    def _back_off(self, key: K) -> float:
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        longest = min(INITIAL_BACKOFF_SECONDS * 2 ** min(failures, 16), MAX_BACKOFF_SECONDS)
        return random.uniform(longest / 2, longest)  # noqa: S311 - jitter, not a secret
