"""Tries the URLs that are listed, from where the operator runs.

Users choose hosts and paths, so as little as possible is done with them: a connection, or one GET
without redirects, proxies, cookies or credentials, whose body is not read. How many tries there are
in a second and at one time is bounded for the operator as a whole, and at one time for each app.
"""

import asyncio
import heapq
import logging
import random
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import count

from exposedapp.api.meta import NamespacedName
from exposedapp.exposure.probes import (
    NOTHING_PROBED,
    ProbeOutcome,
    ProbeResult,
    ProbeResults,
    Target,
)
from exposedapp.probing.attempt import Attempt, probe_once
from exposedapp.probing.state import AppTargets, ProbeState, TargetState
from exposedapp.workqueue.fair_queue import FairQueue
from exposedapp.workqueue.priority import Priority

log = logging.getLogger(__name__)

JITTER = 0.15

LOW_PRIORITY_EVERY = 4
"""Of so many turns one is for the low priority first, so that it is never starved."""

MIN_RETRY_SECONDS = 1.0
"""How soon after its last try a URL is tried again because other pods are behind it."""

MAX_SHARE = 4
"""One app has at most this part of the tries at one time."""

MIN_COMPACTION_SIZE = 1000


class Prober:
    """Tries URLs again and again, and says when an app's answers have changed.

    A try waits until it is due, and then for the turn of its app: namespaces take turns, and so do
    the apps of each. So nobody's URLs can keep those of others from being tried.
    """

    def __init__(
        self,
        rate: float,
        in_flight: int,
        changed: Callable[[NamespacedName], None],
        attempt: Attempt | None = None,
        clock: Callable[[], float] = time.monotonic,
        tried: Callable[[ProbeResult], None] = lambda _: None,
    ) -> None:
        self._spacing = 1 / rate
        self._free = asyncio.Semaphore(in_flight)
        self._most_of_one = max(1, in_flight // MAX_SHARE)
        self._changed = changed
        self._attempt = attempt or probe_once
        self._tried = tried
        self._in_flight = 0
        self._clock = clock
        self._apps: dict[NamespacedName, AppTargets] = {}
        self._waiting: list[tuple[float, int, TargetState]] = []
        self._sweep_at = MIN_COMPACTION_SIZE
        self._turns = FairQueue[tuple[NamespacedName, Priority]](
            lambda it: it[0].namespace, LOW_PRIORITY_EVERY
        )
        self._order: Iterator[int] = count()
        self._news = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    def want(self, key: NamespacedName, targets: Iterable[Target]) -> ProbeResults:
        """Has these URLs of an app tried from now on, and no others; what is known of them."""
        app = self._apps.setdefault(key, AppTargets(key))
        before, app.states = app.states, {}
        for target in targets:
            if target.url not in app.states:  # two nodes may have one address
                known = before.get(target.url)
                same = known is not None and known.target == target
                state = known.follow(target) if known and same else TargetState(app, target)
                app.states[target.url] = state
        new = [it for url, it in app.states.items() if before.get(url) is not it]
        self._drop(app, [it for url, it in before.items() if app.states.get(url) is not it])
        for state in new:
            self._schedule_new(state, before.get(state.target.url))
        if any(it.stale for it in new):
            app.changed = self._clock()
        elif len(new) == len(app.states):
            # Other URLs, which have their own time to answer.
            app.since, app.changed = self._clock(), None
        if not app.states:
            self._forget_idle(app)
            return NOTHING_PROBED
        found = {url: it.answer for url, it in app.states.items()}
        stale = frozenset(url for url, it in app.states.items() if it.stale)
        return ProbeResults(app.since, found, stale, app.changed)

    def state(self) -> ProbeState:
        """How busy it is."""
        self._forget_dropped()
        now = self._clock()
        due = [it[0].due for app in self._apps.values() for it in app.due.values() if it]
        due += [it[0] for it in self._waiting[:1]]
        targets = sum(len(it.states) for it in self._apps.values())
        return ProbeState(targets, self._in_flight, max(0.0, now - min(due, default=now)))

    def start(self) -> None:
        """Starts to try."""
        self._spawn(self._run())

    async def run(self) -> None:
        """Try URLs until it is cancelled; then no try is under way any more."""
        try:
            await self._run()
        finally:
            await self._stop()

    async def stop(self) -> None:
        """Ends all tries."""
        await self._stop()

    async def _stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _spawn(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # --- what waits -------------------------------------------------------------------------------

    def _schedule_new(self, state: TargetState, before: TargetState | None) -> None:
        """At once; but pods that change all the time do not have it tried all the time."""
        wait = 0.0
        if before and before.target.backend.service == state.target.backend.service:
            wait = max(0.0, state.tried + MIN_RETRY_SECONDS - self._clock())
        self._schedule(state, wait)

    def _schedule(self, state: TargetState, seconds: float) -> None:
        state.due = self._clock() + seconds
        heapq.heappush(self._waiting, (state.due, next(self._order), state))
        if len(self._waiting) >= self._sweep_at:
            # What was dropped would stay until it is due.
            self._waiting = [it for it in self._waiting if not it[2].dropped]
            heapq.heapify(self._waiting)
            self._sweep_at = max(MIN_COMPACTION_SIZE, 2 * len(self._waiting))
        self._news.set()

    def _drop(self, app: AppTargets, states: Sequence[TargetState]) -> None:
        for state in states:
            state.dropped = True
        if states:
            app.due = {
                priority: deque(it for it in due if not it.dropped)
                for priority, due in app.due.items()
            }

    def _forget_dropped(self) -> None:
        while self._waiting and self._waiting[0][2].dropped:
            heapq.heappop(self._waiting)

    def _forget_idle(self, app: AppTargets) -> None:
        """Not before its tries are over: an app that comes and goes has no more than others."""
        if not app.states and not app.in_flight:
            self._apps.pop(app.key, None)

    def _offer(self, app: AppTargets) -> None:
        """Has an app take its turn when it has something to try, and may."""
        if app.in_flight >= self._most_of_one:
            return
        for priority, due in app.due.items():
            if due:
                self._turns.add((app.key, priority), priority)
                self._news.set()

    # --- the tries --------------------------------------------------------------------------------

    async def _run(self) -> None:
        while True:
            await self._free.acquire()
            state = await self._next()
            self._spawn(self._try(state))
            await asyncio.sleep(self._spacing)

    async def _next(self) -> TargetState:
        while True:
            self._news.clear()
            wait = self._line_up()
            while self._turns:
                (key, priority), _ = self._turns.pop()
                app = self._apps.get(key)
                if app and app.due[priority] and app.in_flight < self._most_of_one:
                    return self._take(app, priority)
            # Not wait_for, which in Python 3.11 forgets that it was cancelled when there is news.
            with suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._news.wait()

    def _line_up(self) -> float | None:
        """Has all that is due wait for its turn; in how many seconds the next one is due."""
        self._forget_dropped()
        now = self._clock()
        while self._waiting and self._waiting[0][0] <= now:
            state = heapq.heappop(self._waiting)[2]
            state.app.due[state.priority].append(state)
            self._offer(state.app)
            self._forget_dropped()
        return self._waiting[0][0] - now if self._waiting else None

    def _take(self, app: AppTargets, priority: Priority) -> TargetState:
        state = app.due[priority].popleft()
        state.tried = self._clock()
        app.in_flight += 1
        self._in_flight += 1
        self._offer(app)
        return state

    async def _try(self, state: TargetState) -> None:
        try:
            found = await self._attempt(state.target)
        except Exception:
            # Whatever it was, the URL must be tried again.
            log.exception("cannot try %s", state.target.url)
            found = ProbeResult(ProbeOutcome.NOT_ATTEMPTED)
        finally:
            self._in_flight -= 1
            state.app.in_flight -= 1
            self._free.release()
        self._tried(found)
        self._offer(state.app)
        self._forget_idle(state.app)
        if state.dropped:
            return
        news = state.learn(found)
        pause = state.next_pause()
        self._schedule(state, pause * random.uniform(1 - JITTER, 1 + JITTER))  # noqa: S311
        if news:
            self._changed(state.app.key)
