# SPDX-License-Identifier: Apache-2.0
"""What is known of one URL, and of the URLs of one app. Used by the prober; pure."""

import math
from collections import deque
from dataclasses import dataclass, field, replace

from exposedapp.api.meta import NamespacedName
from exposedapp.exposure.probes import ProbeResult, Target
from exposedapp.workqueue.backoff import Backoff
from exposedapp.workqueue.priority import Priority

INITIAL_BACKOFF_SECONDS = 0.32
BACKOFF_FACTOR = 1.6

RECHECK_SECONDS = 3.0
"""kube-proxy may still forward by the old rules for a moment after a change. So a URL that answers
then is probed once more, later than kube-proxy needs."""

PRIORITIES = (Priority.HIGH, Priority.LOW)
"""Of URLs whose result a status waits for, and of URLs that are only checked again."""


@dataclass(frozen=True, slots=True)
class ProbeState:
    """How busy the prober is at one moment."""

    targets: int = 0
    in_flight: int = 0
    overdue: float = 0.0
    """Seconds for which the next probe has been due; 0 when none is."""


@dataclass(slots=True, eq=False)
class TargetState:
    """What is known of one URL."""

    app: "AppTargets"
    target: Target
    result: ProbeResult | None = None
    """None until the first probe has ended."""
    stale: bool = False
    """Whether the result is from before the last change of the backend."""
    needs_recheck: bool = False
    """Whether the next good result may still come from the former backend."""
    failures: int = 0
    """Failed probes in a row."""
    has_answered: bool = False
    """Whether the URL has ever answered, whatever its backend was."""
    is_host_down: bool = False
    """Whether the URL fails like those of other apps at its host, so that no retry helps."""
    probed_at: float = -math.inf
    due: float = 0.0
    dropped: bool = False
    """Whether the app has this URL, or this backend, no longer."""

    def retarget(self, target: Target) -> "TargetState":
        """The state of the same URL from now on: this one, or a new one for another backend.

        Probes of a state that was left do not count, not even one that is in flight.
        """
        before, after = self.target.backend, target.backend
        target = replace(target, backend=after.keeping_pods_of(before))
        if not after.changed_since(before):
            self.target = target
            return self
        return TargetState(
            self.app,
            target,
            self.result,
            stale=True,
            needs_recheck=True,
            has_answered=self.has_answered,
            probed_at=self.probed_at,
        )

    def record(self, result: ProbeResult, *, is_host_down: bool = False) -> bool:
        """Take in the result of a probe; whether what is known has changed."""
        self.failures = 0 if result.answered else self.failures + 1
        self.has_answered = self.has_answered or result.answered
        # A URL that has answered counts as failing only when the failure is confirmed.
        is_doubtful = self.answers and not result.answered
        self.is_host_down = is_host_down and (is_doubtful or self.is_host_down)
        if is_doubtful and self.failures < self.target.threshold and not self.is_host_down:
            return False
        has_changed = self.stale or result != self.result
        self.result, self.stale = result, False
        return has_changed

    def next_delay(self) -> float:
        """Seconds until the next probe, after the result of one was recorded."""
        if self.failures and not self.is_host_down:
            return self._backoff_delay()
        if self.needs_recheck:
            self.needs_recheck = False
            return min(RECHECK_SECONDS, self.target.period)
        return self.target.period

    @property
    def answers(self) -> bool:
        """Whether the URL answers, as far as is known."""
        return self.result is not None and self.result.answered

    @property
    def is_settled(self) -> bool:
        """Whether the URL only waits until it is checked again."""
        is_in_flight = self.probed_at >= self.due
        return self.priority is Priority.LOW and not is_in_flight

    @property
    def priority(self) -> Priority:
        """HIGH while a status waits for the result."""
        is_retried = self.failures > 0 and not self.is_host_down
        is_backing_off = is_retried and self._backoff_delay() < self.target.period
        return (
            Priority.HIGH if self.result is None or self.stale or is_backing_off else Priority.LOW
        )

    def _backoff_delay(self) -> float:
        backoff = Backoff(INITIAL_BACKOFF_SECONDS, self.target.period, BACKOFF_FACTOR)
        return backoff.delay(self.failures)


@dataclass(slots=True, eq=False)
class AppTargets:
    """The URLs of one app."""

    key: NamespacedName
    states: dict[str, TargetState] = field(default_factory=dict)
    started_at: float = 0.0
    backends_changed_at: float | None = None
    in_flight: int = 0
    due: dict[Priority, deque[TargetState]] = field(
        default_factory=lambda: {priority: deque() for priority in PRIORITIES}
    )
    """What is due and waits for the app's turn."""
