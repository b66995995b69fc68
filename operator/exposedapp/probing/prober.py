# SPDX-License-Identifier: Apache-2.0
"""Probes the URLs of all apps from where the operator runs, bounded and fair.

Built by runtime.py; a reconcile sets the targets of its app. How many probes start in a second and
are in flight is bounded for the operator as a whole, and in flight for each app.
"""

import asyncio
import heapq
import logging
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
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
from exposedapp.probing.host_failures import HostFailures
from exposedapp.probing.state import AppTargets, ProbeState, TargetState
from exposedapp.workqueue.backoff import random_delay
from exposedapp.workqueue.events import wait_until_set
from exposedapp.workqueue.fair_queue import FairQueue
from exposedapp.workqueue.priority import Priority

log = logging.getLogger(__name__)

JITTER = 0.15

LOW_PRIORITY_EVERY = 4

MIN_RETRY_SECONDS = 1.0
"""Minimum time between two probes of a URL because its pods have changed."""

MAX_APP_SHARE = 4
"""One app has at most this part (1/4) of the probes in flight."""

MIN_COMPACTION_SIZE = 1000


class Prober:
    """Probes URLs again and again, and reports the apps whose results have changed.

    A probe waits until it is due, and then for the turn of its app: namespaces take turns, and so
    do the apps of each. So no app's URLs can keep those of others from being probed.
    """

    def __init__(
        self,
        rate: float,
        in_flight: int,
        on_change: Callable[[NamespacedName], None],
        attempt: Attempt = probe_once,
        clock: Callable[[], float] = time.monotonic,
        on_result: Callable[[ProbeResult], None] = lambda _: None,
        low_priority_every: int = LOW_PRIORITY_EVERY,
    ) -> None:
        """At most `rate` probes start in a second, and `in_flight` are under way.

        `on_change` is called with the key of an app, `on_result` after every probe.
        """
        self._spacing = 1 / rate
        self._slots = asyncio.Semaphore(in_flight)
        self._max_in_flight_per_app = max(1, in_flight // MAX_APP_SHARE)
        self._on_change = on_change
        self._attempt = attempt
        self._on_result = on_result
        self._in_flight = 0
        self._clock = clock
        self._apps: dict[NamespacedName, AppTargets] = {}
        self._scheduled: list[tuple[float, int, TargetState]] = []
        """A heap by the time when each is due."""
        self._compaction_size = MIN_COMPACTION_SIZE
        self._runnable = FairQueue[tuple[NamespacedName, Priority]](
            lambda entry: entry[0].namespace, low_priority_every
        )
        """The apps that have something due and may probe."""
        self._hosts = HostFailures()
        self._order: Iterator[int] = count()
        self._wake = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    def set_targets(self, key: NamespacedName, targets: Iterable[Target]) -> ProbeResults:
        """Probe these URLs of an app from now on, and no others; what is known of them."""
        app = self._apps.setdefault(key, AppTargets(key))
        before, app.states = app.states, {}
        for target in targets:
            if target.url not in app.states:  # two nodes may have one address
                app.states[target.url] = _next_state(app, before.get(target.url), target)
        added = [state for url, state in app.states.items() if before.get(url) is not state]
        self._drop(
            app, [state for url, state in before.items() if app.states.get(url) is not state]
        )
        for state in added:
            self._schedule_added(state, before.get(state.target.url))
        if any(state.stale for state in added):
            app.backends_changed_at = self._clock()
        elif len(added) == len(app.states):
            # All URLs are other ones, which have their own time to answer.
            app.started_at, app.backends_changed_at = self._clock(), None
        if not app.states:
            self._forget_idle(app)
            return NOTHING_PROBED
        by_url = {url: state.result for url, state in app.states.items()}
        stale = frozenset(url for url, state in app.states.items() if state.stale)
        answered = frozenset(url for url, state in app.states.items() if state.has_answered)
        return ProbeResults(
            app.started_at, by_url, stale, app.backends_changed_at, answered_before=answered
        )

    def state(self) -> ProbeState:
        """How busy the prober is now."""
        self._pop_dropped()
        now = self._clock()
        due = [
            states[0].due for app in self._apps.values() for states in app.due.values() if states
        ]
        due += [entry[0] for entry in self._scheduled[:1]]
        targets = sum(len(app.states) for app in self._apps.values())
        return ProbeState(targets, self._in_flight, max(0.0, now - min(due, default=now)))

    async def run(self) -> None:
        """Probe until it is cancelled; no probe is in flight afterwards."""
        try:
            while True:
                await self._slots.acquire()
                state = await self._next()
                task = asyncio.create_task(self._probe(state))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
                await asyncio.sleep(self._spacing)
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    # --- what is scheduled ------------------------------------------------------------------------

    def _schedule_added(self, state: TargetState, before: TargetState | None) -> None:
        """Probe at once; but not all the time because pods change all the time."""
        delay = 0.0
        if before and before.target.backend.service == state.target.backend.service:
            delay = max(0.0, state.probed_at + MIN_RETRY_SECONDS - self._clock())
        self._schedule(state, delay)

    def _schedule(self, state: TargetState, delay: float) -> None:
        state.due = self._clock() + delay
        heapq.heappush(self._scheduled, (state.due, next(self._order), state))
        if len(self._scheduled) >= self._compaction_size:
            # Dropped states would stay until they are due.
            self._scheduled = [entry for entry in self._scheduled if not entry[2].dropped]
            heapq.heapify(self._scheduled)
            self._compaction_size = max(MIN_COMPACTION_SIZE, 2 * len(self._scheduled))
        self._wake.set()

    def _drop(self, app: AppTargets, states: Sequence[TargetState]) -> None:
        for state in states:
            state.dropped = True
        if states:
            app.due = {
                priority: deque(state for state in due if not state.dropped)
                for priority, due in app.due.items()
            }

    def _pop_dropped(self) -> None:
        while self._scheduled and self._scheduled[0][2].dropped:
            heapq.heappop(self._scheduled)

    def _forget_idle(self, app: AppTargets) -> None:
        """Forget an app without URLs once its probes have ended: its share counts until then."""
        if not app.states and not app.in_flight:
            self._apps.pop(app.key, None)

    def _make_runnable(self, app: AppTargets) -> None:
        """Let an app take its turn when it has something due, and may probe."""
        if app.in_flight >= self._max_in_flight_per_app:
            return
        for priority, due in app.due.items():
            if due:
                self._runnable.add((app.key, priority), priority)
                self._wake.set()

    # --- what one result says about other URLs ----------------------------------------------------

    def _note_failure(self, state: TargetState) -> None:
        """Find other URLs that fail for the same reason, also while probes are overdue.

        It may be the app: its other URLs are probed at once. If several apps fail at the host, it
        is the host: its URLs are probed as the next ones of their apps, which get no more turns.
        """
        host = state.target.host
        if self._hosts.is_down(host):
            return
        self._hosts.add(host, state.app.key)
        if self._hosts.is_down(host):
            self._bring_forward(self._urls_at(host), Priority.LOW)
        else:
            self._bring_forward(list(state.app.states.values()), Priority.HIGH)

    def _note_answer(self, host: str) -> None:
        """Find others that answer again."""
        was_down = self._hosts.is_down(host)
        self._hosts.remove(host)
        if was_down:
            self._bring_forward(self._urls_at(host), Priority.LOW)

    def _urls_at(self, host: str) -> list[TargetState]:
        states = (state for app in self._apps.values() for state in app.states.values())
        return [state for state in states if state.target.host == host]

    def _bring_forward(self, states: Iterable[TargetState], priority: Priority) -> None:
        """Probe those of the URLs that wait for their next check before others of their apps."""
        for state in states:
            if state.is_settled:
                app, first = state.app, replace(state, due=self._clock())
                self._drop(app, [state])
                app.states[state.target.url] = first
                app.due[priority].appendleft(first)
                self._make_runnable(app)

    # --- the probes -------------------------------------------------------------------------------

    async def _next(self) -> TargetState:
        """The state to probe next, as soon as there is one."""
        while True:
            self._wake.clear()
            delay = self._collect_due()
            while self._runnable:
                (key, priority), _ = self._runnable.pop()
                app = self._apps.get(key)
                if app and app.due[priority] and app.in_flight < self._max_in_flight_per_app:
                    return self._take(app, priority)
            await wait_until_set(self._wake, delay)

    def _collect_due(self) -> float | None:
        """Make everything runnable that is due; seconds until the next is due, None: nothing is."""
        self._pop_dropped()
        now = self._clock()
        while self._scheduled and self._scheduled[0][0] <= now:
            state = heapq.heappop(self._scheduled)[2]
            state.app.due[state.priority].append(state)
            self._make_runnable(state.app)
            self._pop_dropped()
        return self._scheduled[0][0] - now if self._scheduled else None

    def _take(self, app: AppTargets, priority: Priority) -> TargetState:
        state = app.due[priority].popleft()
        state.probed_at = self._clock()
        app.in_flight += 1
        self._in_flight += 1
        self._make_runnable(app)
        return state

    async def _probe(self, state: TargetState) -> None:
        try:
            result = await self._attempt(state.target)
        except Exception:
            # Whatever it was, the URL must be probed again.
            log.exception("cannot probe %s", state.target.url)
            result = ProbeResult(ProbeOutcome.NOT_ATTEMPTED)
        finally:
            self._in_flight -= 1
            state.app.in_flight -= 1
            self._slots.release()
        self._on_result(result)
        self._make_runnable(state.app)
        self._forget_idle(state.app)
        if state.dropped:
            return
        answered_before, host = state.answers, state.target.host
        has_changed = state.record(result, is_host_down=self._hosts.is_down(host))
        if result.answered:
            self._note_answer(host)
        elif answered_before and has_changed:
            self._note_failure(state)
        delay = state.next_delay()
        self._schedule(state, random_delay(delay * (1 - JITTER), delay * (1 + JITTER)))
        if has_changed:
            self._on_change(state.app.key)


def _next_state(app: AppTargets, before: TargetState | None, target: Target) -> TargetState:
    if before is None or before.target != target:
        return TargetState(app, target)
    return before.retarget(target)
