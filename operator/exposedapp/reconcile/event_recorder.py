# SPDX-License-Identifier: Apache-2.0
"""Writes Events in a task of its own: rate-limited and best-effort, drops the oldest when full.

Started by the composition root; event_reporter.py calls record().
"""

import asyncio
import logging
from collections import OrderedDict, deque
from collections.abc import Callable

from exposedapp.api.meta import AppRef
from exposedapp.kube.errors import ApiError
from exposedapp.reconcile.clock import timestamp
from exposedapp.reconcile.interfaces import ApiClient
from exposedapp.status.events import EventMessage, event_object

log = logging.getLogger(__name__)

PAUSE_SECONDS = 0.1

BUSY_PAUSE_SECONDS = 1.0
"""At most ten Events per second, and one while apps wait: in a storm their objects come first."""

MAX_PENDING = 1000

MAX_COUNTED = 1000
"""How many different Events are counted when they are repeated."""


class EventRecorder:
    """Queues Events, and writes them one after the other."""

    def __init__(self, client: ApiClient, busy: Callable[[], bool] = lambda: False) -> None:
        self._client = client
        self._busy = busy
        self._pending: deque[tuple[AppRef, EventMessage, str]] = deque(maxlen=MAX_PENDING)
        self._counts: OrderedDict[tuple[str, EventMessage], tuple[int, str]] = OrderedDict()
        """How often an Event was written, and the time of the first."""
        self._wake = asyncio.Event()

    def record(self, app: AppRef, event: EventMessage) -> None:
        """Have an Event written soon; the oldest pending one is dropped when there are too many."""
        self._pending.append((app, event, timestamp()))
        self._wake.set()

    async def run(self) -> None:
        """Write Events until it is cancelled; those that are pending then are lost."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._pending:
                await self._write(*self._pending.popleft())
                await asyncio.sleep(BUSY_PAUSE_SECONDS if self._busy() else PAUSE_SECONDS)

    async def _write(self, app: AppRef, event: EventMessage, now: str) -> None:
        count, first = self._counts.pop((app.uid, event), (0, now))
        self._counts[app.uid, event] = (count + 1, first)
        if len(self._counts) > MAX_COUNTED:
            self._counts.popitem(last=False)
        try:
            await self._client.apply(event_object(app, event, count + 1, first, now))
        except ApiError as error:
            # The namespace is being deleted, or Events are forbidden: the status has it all anyway.
            log.debug("%s: Event not written: %s", app.key, error)
        except Exception:
            # An unforeseen error must not end the task: the next Event is written.
            log.exception("%s: Event not written", app.key)
