# SPDX-License-Identifier: Apache-2.0
"""Logs an error that lasts: when it appears, and again every few minutes until it is over.

Used by the informers and the resync, whose attempts may fail every few seconds. Pure but for the
clock and the log.
"""

import logging
import time
from collections.abc import Callable

from exposedapp.logs import RepeatLimit


class ErrorLog:
    """Decides how loudly one of many attempts that fail is logged."""

    def __init__(
        self, log: logging.Logger, subject: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._log = log
        self._subject = subject
        self._limit = RepeatLimit(clock)

    def report(self, error: Exception, retry_seconds: float) -> None:
        """Log a failed attempt: as a warning when the error is another one, or has lasted."""
        text = str(error)
        level = logging.WARNING if self._limit.try_accept(text) else logging.DEBUG
        self._log.log(level, "%s: %s; next attempt in %.1f s", self._subject, text, retry_seconds)

    def clear(self) -> None:
        """An attempt has succeeded: the next error is logged in any case."""
        self._limit.clear()
