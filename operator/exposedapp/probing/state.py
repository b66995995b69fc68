"""What is known of one URL and of one app's URLs."""

import math
from collections import deque
from dataclasses import dataclass, field, replace

from exposedapp.api.meta import NamespacedName
from exposedapp.exposure.probes import ProbeResult, Target
from exposedapp.workqueue.priority import Priority


@dataclass(frozen=True, slots=True)
class ProbeState:
    """How busy whoever tries URLs is at this moment."""

    targets: int = 0
    in_flight: int = 0
    overdue: float = 0.0
    """For how many seconds the next try has been due; 0: it is not."""


INITIAL_BACKOFF_SECONDS = 0.2

BACKOFF_FACTOR = 1.6

RECHECK_SECONDS = 3.0
"""After a change the nodes may forward by the old rules for a moment. So a URL that answers is
tried once more, later than kube-proxy needs."""

PRIORITIES = (Priority.HIGH, Priority.LOW)
"""URLs that are waited for, and URLs that are only looked after; see lanes.py for their turns."""


@dataclass(slots=True, eq=False)
class TargetState:
    """What is known of one URL."""

    app: "AppTargets"
    target: Target
    answer: ProbeResult | None = None
    """None while it has not been tried."""
    stale: bool = False
    """Whether it has not been tried since something else is behind it."""
    changed: bool = False
    """Whether its next good answer may still come from what was there before."""
    failures: int = 0
    pause: float = INITIAL_BACKOFF_SECONDS
    tried: float = -math.inf
    due: float = 0.0
    dropped: bool = False

    def follow(self, target: Target) -> "TargetState":
        """The same URL from now on: itself, or a new start when something else is behind it.

        The tries of one that was left do not count any more, not even one that is under way.
        """
        before, now = self.target.backend, target.backend
        target = replace(target, backend=now.keeping_pods_of(before))
        if not now.changed_since(before):
            self.target = target
            return self
        return TargetState(
            self.app, target, self.answer, stale=True, changed=True, tried=self.tried
        )

    def learn(self, found: ProbeResult) -> bool:
        """Takes in what a try has found; whether that is news."""
        self.failures = 0 if found.answered else self.failures + 1
        # One that has answered gets a second chance before it counts as failing.
        unconfirmed = self.answer and self.answer.answered and not found.answered
        known = not unconfirmed or self.failures >= self.target.threshold
        news = known and (self.stale or found != self.answer)
        if known:
            self.answer, self.stale = found, False
        return news

    def next_pause(self) -> float:
        """In how many seconds to try again after this try."""
        period = self.target.period
        if self.failures:
            self.pause = min(self.pause * BACKOFF_FACTOR, period)
            return self.pause
        self.pause = INITIAL_BACKOFF_SECONDS
        if self.changed:
            self.changed = False
            return min(RECHECK_SECONDS, period)
        return period

    @property
    def priority(self) -> Priority:
        """Whether somebody waits for it, or it is only looked after."""
        in_doubt = self.failures > 0 and self.pause < self.target.period
        return Priority.HIGH if self.answer is None or self.stale or in_doubt else Priority.LOW


@dataclass(slots=True, eq=False)
class AppTargets:
    """The URLs of one app."""

    key: NamespacedName
    states: dict[str, TargetState] = field(default_factory=dict)
    since: float = 0.0
    changed: float | None = None
    in_flight: int = 0
    due: dict[Priority, deque[TargetState]] = field(
        default_factory=lambda: {it: deque() for it in PRIORITIES}
    )
    """What waits for the app's turn."""
