# SPDX-License-Identifier: Apache-2.0
"""A keyed work queue: at most one worker per key, no key lost, none worked on twice at a time.

The rules are those of client-go's workqueue: a key that is added while it is worked on is worked on
once more afterwards; one that fails is requeued with back-off. fair_queue.py decides which key is
next. Built by the composition root with the reconciler as its work.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

from exposedapp.workqueue.backoff import Backoff
from exposedapp.workqueue.fair_queue import FairQueue
from exposedapp.workqueue.metrics import NoopQueueMetrics, QueueMetrics
from exposedapp.workqueue.priority import Priority
from exposedapp.workqueue.result import Result, ResultLabel

K = TypeVar("K", bound=Hashable)
log = logging.getLogger(__name__)

WORKERS = 32

LOW_PRIORITY_EVERY = 16
"""One turn of this many is for the priority that has waited longest. During a storm most keys of
low priority are there because of the operator's own writes, and several such events become one
reconcile when it is delayed."""

BACKOFF = Backoff(initial=0.5, maximum=60.0, jitter=0.5)

WARN_AFTER_FAILURES = 3


class WorkQueue(Generic[K]):
    """Runs `work(key)` for every key that is added; its Result decides what follows."""

    def __init__(
        self,
        work: Callable[[K], Awaitable[Result]],
        flow: Callable[[K], Hashable] = lambda _: None,
        metrics: QueueMetrics | None = None,
        workers: int = WORKERS,
        low_priority_every: int = LOW_PRIORITY_EVERY,
    ) -> None:
        """`flow` groups keys for fairness: keys of one flow wait for each other, flows take turns.

        Use no more workers than requests to the API server may be in flight: more would only queue
        on that semaphore, which ignores priorities.
        """
        self._work = work
        self._metrics = metrics or NoopQueueMetrics()
        self._metrics.workers(workers)
        self.workers = workers
        """How many workers are to be run."""
        self._queue = FairQueue(flow, low_priority_every)
        self._processing: dict[K, Priority | None] = {}
        """The keys that are worked on, each with the priority of its next turn when it has been
        added meanwhile."""
        self._requeue_priority: dict[K, Priority] = {}
        """The keys that are to be requeued, and the priority of their last turn. A key keeps it
        until it is done: the user is still waiting for the result."""
        self._failures: dict[K, int] = {}
        self._timers: dict[K, asyncio.TimerHandle] = {}
        self._wake = asyncio.Event()

    @property
    def has_backlog(self) -> bool:
        """Whether keys wait for a worker."""
        return len(self._queue) > 0

    def add(self, key: K, priority: Priority = Priority.LOW) -> None:
        """Has the key worked on as soon as it is its turn and a worker is free."""
        if timer := self._timers.pop(key, None):
            timer.cancel()
        self._metrics.added(key)
        priority = min(priority, self._requeue_priority.get(key, priority))
        if key in self._processing:
            next_priority = self._processing[key]
            self._processing[key] = (
                priority if next_priority is None else min(priority, next_priority)
            )
        else:
            self._enqueue(key, priority)

    def add_after(self, key: K, seconds: float) -> None:
        """Has the key worked on later, or when it is added, whichever comes first."""
        if timer := self._timers.pop(key, None):
            timer.cancel()
        loop = asyncio.get_running_loop()
        self._timers[key] = loop.call_later(seconds, self.add, key)

    def _enqueue(self, key: K, priority: Priority) -> None:
        self._queue.add(key, priority)
        self._wake.set()

    async def run_worker(self) -> None:
        """Work on keys until it is cancelled. The caller runs as many of these as `workers`."""
        while True:
            while not self._queue:
                self._wake.clear()
                await self._wake.wait()
            key, priority = self._queue.pop()
            self._processing[key] = None
            self._metrics.started(key)
            delay, label = await self._process(key)
            self._metrics.ended(key, label)
            if delay is None:
                self._requeue_priority.pop(key, None)
            else:
                self._requeue_priority[key] = priority
            next_priority = self._processing.pop(key)
            if next_priority is not None:
                self._enqueue(key, next_priority)
            elif delay is not None:
                self.add_after(key, delay)
            # Work that never waits must not keep the event loop from everything else.
            await asyncio.sleep(0)

    async def _process(self, key: K) -> tuple[float | None, ResultLabel]:
        """Works on a key; seconds until it is to be requeued (None: not at all), and the label."""
        try:
            result = await self._work(key)
        except Exception:
            delay = self._next_backoff(key)
            log.exception("%s: unexpected error; next attempt in %.1f s", key, delay)
            return delay, "panic"
        if not result.backoff:
            self._failures.pop(key, None)
            return result.requeue_after, result.label
        # An overloaded server sends the same Retry-After to everyone: the back-off on top of it
        # keeps keys from returning together.
        delay = self._next_backoff(key) + (result.min_delay or 0)
        if result.requeue_after is not None:
            delay = min(delay, result.requeue_after)
        level = logging.WARNING if self._failures[key] == WARN_AFTER_FAILURES else logging.DEBUG
        log.log(level, "%s: %s; next attempt in %.1f s", key, result.message, delay)
        return delay, result.label

    def _next_backoff(self, key: K) -> float:
        self._failures[key] = failures = self._failures.get(key, 0) + 1
        return BACKOFF.delay(failures)
