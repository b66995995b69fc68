"""Answers a burst of events once."""

import asyncio
from collections.abc import Callable


class Debouncer:
    """Answers a burst of news once: when it has been quiet for a while, and not later than that."""

    def __init__(
        self, answer: Callable[[], None], quiet: float = 0.3, longest: float = 5.0
    ) -> None:
        self._answer = answer
        self._quiet = quiet
        self._longest = longest
        self._first: float | None = None
        self._timer: asyncio.TimerHandle | None = None

    def news(self) -> None:
        """There is some."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        if self._first is None:
            self._first = now
        if self._timer:
            self._timer.cancel()
        due = min(now + self._quiet, self._first + self._longest)
        self._timer = loop.call_at(due, self._end)

    def _end(self) -> None:
        self._first = self._timer = None
        self._answer()
