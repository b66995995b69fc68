# SPDX-License-Identifier: Apache-2.0
"""Logs an error that lasts: when it appears, and again every few minutes until it is over.

Used by the informers and the resync, whose attempts may fail every few seconds. Pure but for the
clock and the log.
"""

import logging
import time
from collections.abc import Callable

REPEAT_SECONDS = 300.0


class ErrorLog:
    """Decides how loudly one of many attempts that fail is logged."""

    def __init__(
        self, log: logging.Logger, subject: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._log = log
        self._subject = subject
        self._clock = clock
        self._last: tuple[str, float] | None = None

    def report(self, error: Exception, retry_seconds: float) -> None:
        """Log a failed attempt: as a warning when the error is another one, or has lasted."""
        now, text = self._clock(), str(error)
        is_due = self._last is None or self._last[0] != text or self._last[1] <= now
        if is_due:
            self._last = (text, now + REPEAT_SECONDS)
        level = logging.WARNING if is_due else logging.DEBUG
        self._log.log(level, "%s: %s; next attempt in %.1f s", self._subject, text, retry_seconds)

    def clear(self) -> None:
        """An attempt has succeeded: the next error is logged in any case."""
        self._last = None
