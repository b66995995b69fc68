"""Writes Events beside the work: they are told slowly, and rather lost than waited for."""

import asyncio
import logging
from collections import OrderedDict, deque
from collections.abc import Callable
from datetime import UTC, datetime

from exposedapp.api.meta import AppRef
from exposedapp.kube.client import KubeClient
from exposedapp.kube.errors import ApiError
from exposedapp.status.events import EventMessage, event_object

log = logging.getLogger(__name__)

PAUSE_SECONDS = 0.1

BUSY_PAUSE_SECONDS = 1.0
"""At most ten in a second, and one while apps wait: in a storm their objects go first."""

MAX_PENDING = 1000

MAX_COUNTED = 1000


class EventRecorder:
    """Takes what happened at once, and tells it from a task of its own."""

    def __init__(self, cluster: KubeClient, busy: Callable[[], bool] = lambda: False) -> None:
        self._cluster = cluster
        self._busy = busy
        self._waiting: deque[tuple[AppRef, EventMessage, str]] = deque(maxlen=MAX_PENDING)
        self._told: OrderedDict[tuple[str, EventMessage], tuple[int, str]] = OrderedDict()
        self._more = asyncio.Event()

    def record(self, app: AppRef, happened: EventMessage) -> None:
        """Has an Event written soon; the oldest one waits no more when there are too many."""
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        self._waiting.append((app, happened, now))
        self._more.set()

    async def run(self) -> None:
        """Write Events until it is cancelled; what waits then is lost."""
        while True:
            await self._more.wait()
            self._more.clear()
            while self._waiting:
                await self._write(*self._waiting.popleft())
                await asyncio.sleep(BUSY_PAUSE_SECONDS if self._busy() else PAUSE_SECONDS)

    async def _write(self, app: AppRef, happened: EventMessage, now: str) -> None:
        count, first = self._told.pop((app.uid, happened), (0, now))
        self._told[app.uid, happened] = (count + 1, first)
        if len(self._told) > MAX_COUNTED:
            self._told.popitem(last=False)
        try:
            await self._cluster.apply(event_object(app, happened, count + 1, first, now))
        except ApiError as error:
            # The namespace is going, or nobody may write Events: the status says it all anyway.
            log.debug("%s/%s: no Event: %s", app.namespace, app.name, error)
        except Exception:
            # Whatever it was, the next one must be told.
            log.exception("%s/%s: no Event", app.namespace, app.name)
