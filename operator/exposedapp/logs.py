# SPDX-License-Identifier: Apache-2.0
r"""Logging of the operator's process: one line per record, as text or JSON. Called by main.py.

RepeatLimit is for whatever tries again until an attempt succeeds: the cache's informers and the
resync, and kopf's requests.

Messages and exceptions quote names, URLs and responses that users wrote. A newline in one of them
must not begin a line that looks like a record, nor an escape sequence reach a terminal. So in text,
each message and each exception's own words are one line, in which characters that cannot be printed
are escaped as in a Python string (\\n, \\x1b); only the stack of a traceback has lines of its own.
In JSON, a record is one line whatever it holds.
"""

import logging
import math
import re
import textwrap
import time
import traceback
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

from pythonjsonlogger.json import JsonFormatter

from exposedapp.settings import Settings

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]

TEXT_FORMAT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"

JSON_FIELDS = {"asctime": "time", "levelname": "level", "name": "logger", "message": "message"}

JSON_OPTIONAL_FIELDS = {"exc_info": "exception", "stack_info": "stack"}

REPEAT_SECONDS = 300.0
"""An error that lasts is logged when it appears, and again after this."""

MAX_ATTEMPT_SECONDS = 90.0
"""Between two failures of a request of kopf's that keeps failing: its longest back-off (15 s) and
the time after which it gives up a watch (45 s), with a margin."""

FAILED_REQUEST = re.compile(
    r"Request attempt #\S+ failed; ([^:]+): (\S+ [^?\s]+)\S*(.*)", re.DOTALL
)
"""What kopf logs at level ERROR of each attempt: what it does, the method and the URL without the
query, the error. Source: request() in kopf's _cogs/clients/api.py."""

CAUSE = "\nThe above exception was the direct cause of the following exception:\n"

CONTEXT = "\nDuring handling of the above exception, another exception occurred:\n"


def configure(settings: Settings) -> None:
    """Log everything to stderr, in the configured format, from the configured level on."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines() if settings.log_format == "json" else TextLines(TEXT_FORMAT))
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(settings.log_level)
    # kopf logs each of its own steps; the operator logs its own actions.
    logging.getLogger("kopf").setLevel(logging.WARNING)
    logging.getLogger("aiohttp.access").setLevel(logging.WARNING)
    if not root.isEnabledFor(logging.DEBUG):
        handler.addFilter(_without_kopf_traceback)
        handler.addFilter(RequestFailures())


def _without_kopf_traceback(record: logging.LogRecord) -> bool:
    """A failed start is one line; where in kopf it failed matters only for DEBUG."""
    if record.name.startswith("kopf"):
        record.exc_info = record.exc_text = None
    return True


class RepeatLimit:
    """Limits how often an error that lasts is logged."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        max_pause_seconds: float = math.inf,
    ) -> None:
        """Without a failed attempt for `max_pause_seconds`, one must have succeeded."""
        self._clock = clock
        self._max_pause_seconds = max_pause_seconds
        self._last: tuple[str, float] | None = None
        """The error that was logged last, and from when on it is logged again."""
        self._failed_at = clock()
        """When the last attempt has failed; at first, when counting began."""

    def try_accept(self, error: str) -> bool:
        """Whether to log that an attempt has failed: with another error, or it has lasted."""
        now = self._clock()
        if now - self._failed_at > self._max_pause_seconds:
            self.clear()
        self._failed_at = now
        is_due = self._last is None or self._last[0] != error or self._last[1] <= now
        if is_due:
            self._last = (error, now + REPEAT_SECONDS)
        return is_due

    def clear(self) -> None:
        """An attempt has succeeded: the next error is logged in any case."""
        self._last = None


class RequestFailures:
    """Filter that limits kopf's records of failed attempts, for each request by itself.

    That an attempt has succeeded, kopf logs at level DEBUG; it has when none has failed for
    MAX_ATTEMPT_SECONDS. Requests that differ in their query only are the same: after a refused
    watch kopf lists again, and watches from another version.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._limits = defaultdict[str, RepeatLimit](
            lambda: RepeatLimit(clock, MAX_ATTEMPT_SECONDS)
        )

    def __call__(self, record: logging.LogRecord) -> bool:
        """Count a failed attempt; whether the record is to be logged."""
        # getMessage() raises when a record is malformed, into whoever logs it: a formatter's errors
        # are only printed. So it is called for no other library's records.
        if not record.name.startswith("kopf"):
            return True
        failure = FAILED_REQUEST.match(record.getMessage())
        if not failure:
            return True
        reaction, request, error = failure.groups()
        return self._limits[request].try_accept(f"{reaction}{error}")


def escape(text: str) -> str:
    """The text with whatever cannot be printed escaped as in a Python string."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


class TextLines(logging.Formatter):
    """Formats a record as text that can be trusted to begin no other record."""

    def format(self, record: logging.LogRecord) -> str:
        """Format the record, without what another handler's formatter has cached in it."""
        record.exc_text = None
        return super().format(record)

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        """One line, whatever is in the message."""
        return escape(super().formatMessage(record))

    def formatException(  # noqa: N802 - logging's name
        self,
        ei: ExcInfo,
    ) -> str:
        """A traceback in which each exception's own words are one line."""
        return "\n".join(_traceback(ei[1])) if ei[1] else ""


class JsonLines(JsonFormatter):
    """Formats a record as one line of JSON: time, level, logger, message, perhaps exception."""

    def __init__(self) -> None:
        super().__init__(list(JSON_FIELDS), rename_fields=JSON_FIELDS | JSON_OPTIONAL_FIELDS)

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802, ARG002
        """RFC 3339, in UTC."""
        return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")

    def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
        """Leave out what libraries attach to a record, such as the whole configuration of kopf."""
        names = [*JSON_FIELDS.values(), *JSON_OPTIONAL_FIELDS.values()]
        return {name: log_data[name] for name in names if name in log_data}


def _traceback(error: BaseException, seen: frozenset[int] = frozenset()) -> Iterator[str]:
    """What traceback.format_exception gives, but for the exceptions' own words: one line each."""
    cause, context = error.__cause__, error.__context__
    if context is not None and (error.__suppress_context__ or id(context) in seen):
        context = None
    if cause is not None and id(cause) in seen:
        cause = None
    if earlier := cause or context:
        yield from _traceback(earlier, seen | {id(error)})
        yield CAUSE if cause else CONTEXT
    if error.__traceback__:
        yield "Traceback (most recent call last):"
        yield from (frame.rstrip("\n") for frame in traceback.format_tb(error.__traceback__))
    yield escape("".join(traceback.format_exception_only(error)).rstrip("\n"))
    if isinstance(error, BaseExceptionGroup):
        for member in error.exceptions:
            for line in _traceback(member, seen | {id(error)}):
                yield textwrap.indent(line, "  | ")
