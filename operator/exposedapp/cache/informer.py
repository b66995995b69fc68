# SPDX-License-Identifier: Apache-2.0
"""Lists the objects of one kind and watches them, whatever happens to the connection.

Runtime starts one for each kind but the ExposedApps, with a limited scope for each namespace. An
event updates the cache and is passed on as reconcile requests, and nothing else happens here:
kopf's handling of an event costs many times that
(docs/decisions/0012-performance-changes-follow-profiles.md). After an interruption that the API
server cannot bridge, a new list shows what was deleted meanwhile.
"""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, suppress
from typing import Protocol

from exposedapp.api.meta import Json, NamespacedName, version_of
from exposedapp.cache.error_log import ErrorLog
from exposedapp.cache.versions import HistoryRewrittenError, ListSnapshot, name_of
from exposedapp.cache.watches import Requests, ResourceHandler
from exposedapp.kube.errors import ApiError
from exposedapp.kube.resources import Resource
from exposedapp.workqueue.backoff import Backoff, random_delay

log = logging.getLogger(__name__)

BACKOFF = Backoff(initial=0.5, maximum=10.0, jitter=0.2)

WATCH_SECONDS = 35
"""How long one watch request lasts at most. The client gives up 10 s later, so a connection that is
silent because it is dead is noticed within 45 s, also behind a proxy that acknowledges everything.
Each request goes on from the version of the one before, and the API server sends a bookmark 2 s
before it ends one (nextBookmarkTime in apiserver, pkg/storage/cacher/cache_watcher.go): on a quiet
cluster nothing is listed again."""

MALFORMED = (AttributeError, KeyError, TypeError, ValueError)
"""What reading an object raises that is not as the API says."""

MIN_WATCH_SECONDS = 1.0

RETRIABLE_STATUSES = (0, 429, 502, 503, 504)
"""After these the watch goes on from the last version. Any other status invalidates the version
(410), or the kind cannot be read or is not served any more: list again."""


class ListerWatcher(Protocol):
    """As much of the API client as an informer needs. Each raises ApiError."""

    def list(self, resource: Resource) -> AsyncIterator[Json]:
        """The pages of a list."""

    def watch(self, resource: Resource, version: str, seconds: int) -> AsyncGenerator[Json]:
        """The events after a version."""

    async def current_version(self, resource: Resource) -> str:
        """The resourceVersion of a list now."""


class Informer:
    """Keeps the cached objects of one kind up to date, and passes on which apps that concerns."""

    def __init__(
        self,
        client: ListerWatcher,
        resource: Resource,
        handler: ResourceHandler,
        enqueue: Callable[[ResourceHandler, Requests], None],
        on_activity: Callable[[Resource], None],
        watch_seconds: int = WATCH_SECONDS,
    ) -> None:
        """`resource` is the handler's, or that in one namespace.

        `on_activity` is called with it whenever the API server has sent something.
        """
        self._client = client
        self._handler = handler
        self.resource = resource
        self._enqueue = enqueue
        self._on_activity = on_activity
        self._watch_seconds = watch_seconds
        self._version: str | None = None
        """The resourceVersion to watch from; None: list first."""
        self._highest_version = 0
        self._failures = 0
        self._errors = ErrorLog(log, resource.title)
        self.has_synced = asyncio.Event()
        """Set once the first list is complete."""
        self.has_attempted = asyncio.Event()
        """Set once the first list is complete, or has failed for whatever reason."""

    async def run(self) -> None:
        """List and watch until it is cancelled.

        Raises HistoryRewrittenError when etcd was restored. That is noticed at an older event, at
        the next attempt when the watch breaks, and at its end when it was silent.
        """
        while True:
            try:
                if self._version is None:
                    try:
                        self._version = await self._list()
                        self.has_synced.set()
                    finally:
                        self.has_attempted.set()
                elif self._failures:
                    # After a restore, revisions soon reach the old ones again.
                    self._check(await self._client.current_version(self.resource))
                await self._watch(self._version)
            except HistoryRewrittenError:
                raise
            except ApiError as error:
                if error.status not in RETRIABLE_STATUSES:
                    self._version = None
                await self._back_off(error)
            except Exception:
                log.exception("%s: unexpected error; listing again", self.resource.title)
                self._version = None
                await asyncio.sleep(BACKOFF.maximum)

    async def _list(self) -> str:
        objects, version = dict[NamespacedName, int](), "0"
        async for page in self._client.list(self.resource):
            version = page["metadata"]["resourceVersion"]
            self._on_activity(self.resource)
            self._check(version)
            self._highest_version = int(version)
            for body in page["items"] or ():
                self._enqueue(self._handler, self._handler.upsert(body))
                with suppress(*MALFORMED):  # the handler has logged it
                    objects[name_of(body)] = version_of(body)
        snapshot = ListSnapshot(int(version), objects, self.resource.namespace)
        requests = list(self._handler.delete_missing(snapshot))
        if requests:
            log.info("%s were deleted while disconnected", self.resource.title)
        self._enqueue(self._handler, requests)
        return version

    async def _watch(self, version: str) -> None:
        seconds = max(1, int(random_delay(self._watch_seconds * 0.8, self._watch_seconds)))
        start, is_silent = time.monotonic(), True
        async with aclosing(self._client.watch(self.resource, version, seconds)) as events:
            async for event in events:
                is_silent = False
                self._handle(event)
        if is_silent and time.monotonic() - start < MIN_WATCH_SECONDS:
            # An API server that is shutting down ends watches at once.
            raise ApiError(0, "ShortWatch", "the API server ended the watch at once")
        if is_silent:
            # A watch from a future revision is no error: nothing comes until that is reached
            # (getAllEventsSinceLocked in apiserver, pkg/storage/cacher/watch_cache.go).
            self._check(await self._client.current_version(self.resource))
        self._mark_healthy()

    def _handle(self, event: Json) -> None:
        self._advance(event["object"])
        self._mark_healthy()
        if event["type"] == "DELETED":
            self._enqueue(self._handler, self._handler.delete(event["object"]))
        elif event["type"] != "BOOKMARK":
            self._enqueue(self._handler, self._handler.upsert(event["object"]))

    def _advance(self, body: Json) -> None:
        """Go on from this object's version. Raises ApiError when it goes back: list again."""
        version = (body.get("metadata") or {}).get("resourceVersion")
        if not version:
            return
        if int(version) < self._highest_version:
            message = f"resourceVersion {version} after {self._highest_version}"
            raise ApiError(410, "Expired", message)
        self._version, self._highest_version = version, int(version)

    def _check(self, version: str) -> None:
        """Raise HistoryRewrittenError when a list is older than what was seen before."""
        if int(version) < self._highest_version:
            raise HistoryRewrittenError(
                f"{self.resource.title}: resourceVersion {version} after {self._highest_version}"
            )

    def _mark_healthy(self) -> None:
        """Called for a watch that works; a list alone does not reset the back-off."""
        self._on_activity(self.resource)
        self._failures = 0
        self._errors.clear()

    async def _back_off(self, error: ApiError) -> None:
        """Wait before the next attempt, longer each time, or as long as the API server asks."""
        self._failures += 1
        delay = error.retry_after or BACKOFF.delay(self._failures)
        self._errors.report(error, delay)
        await asyncio.sleep(delay)
