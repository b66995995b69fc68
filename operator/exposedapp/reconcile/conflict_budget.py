# SPDX-License-Identifier: Apache-2.0
"""How often the operator writes what another client reverts: a token bucket per written object.

Used by apply.py, with a budget per child, and by status_writer.py, with one per app.
"""

from collections.abc import Callable
from dataclasses import dataclass

MAX_CONFLICTING_WRITES = 3

CONFLICT_PERIOD_SECONDS = 60.0
"""If another client reverts a write, repeat it at most 3 times, then once per 60 s. Each period
without a write restores one of the 3."""


@dataclass(slots=True)
class ConflictBudget:
    """The writes that are left for one object."""

    clock: Callable[[], float]
    is_reported: bool = False
    """Whether the conflict has been logged; it is logged again after the budget was full."""
    _full_at: float = 0.0
    """When all of the budget is available again."""

    def delay(self) -> float:
        """Seconds until the next write is allowed; 0 when it is now."""
        spare = (MAX_CONFLICTING_WRITES - 1) * CONFLICT_PERIOD_SECONDS
        return max(0.0, self._full_at - self.clock() - spare)

    def spend(self) -> None:
        """Count a write."""
        now = self.clock()
        if self._full_at <= now:
            self._full_at, self.is_reported = now, False
        self._full_at += CONFLICT_PERIOD_SECONDS
