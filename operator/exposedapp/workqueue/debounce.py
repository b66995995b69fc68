# SPDX-License-Identifier: Apache-2.0
"""Turns a burst of events into one call."""

import asyncio
from collections.abc import Callable


class Debouncer:
    """Calls a function once per burst of triggers."""

    def __init__(
        self,
        callback: Callable[[], None],
        quiet_seconds: float = 0.3,
        max_delay_seconds: float = 5.0,
    ) -> None:
        """Calls when there was no trigger for `quiet_seconds`.

        At the latest `max_delay_seconds` after the first trigger of the burst.
        """
        self._callback = callback
        self._quiet_seconds = quiet_seconds
        self._max_delay_seconds = max_delay_seconds
        self._first_trigger: float | None = None
        self._timer: asyncio.TimerHandle | None = None

    def trigger(self) -> None:
        """Schedules the call, or postpones it."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        if self._first_trigger is None:
            self._first_trigger = now
        if self._timer:
            self._timer.cancel()
        due = min(now + self._quiet_seconds, self._first_trigger + self._max_delay_seconds)
        self._timer = loop.call_at(due, self._fire)

    def _fire(self) -> None:
        self._first_trigger = self._timer = None
        self._callback()
