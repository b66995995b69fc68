# SPDX-License-Identifier: Apache-2.0
"""Compares the cached ExposedApps with a fresh list, and repairs what kopf's watch did not deliver.

kopf follows the ExposedApps, and its handlers never hear of an object that was deleted while the
watch was interrupted. So each list that kopf makes is followed by one of ours, of metadata only,
and there is one every ten minutes in any case. Runtime starts one; with a limited scope, one for
each namespace.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Protocol

from exposedapp.api.meta import Json, NamespacedName, key_of, version_of
from exposedapp.cache.error_log import ErrorLog
from exposedapp.cache.store import ObjectStore
from exposedapp.cache.versions import ListSnapshot
from exposedapp.cache.watches import Requests, ResourceHandler
from exposedapp.kube.errors import ApiError
from exposedapp.kube.resources import Resource
from exposedapp.workqueue.events import wait_until_set

log = logging.getLogger(__name__)

PERIOD_SECONDS = 600.0
QUIET_SECONDS = 1.0
"""Delay after kopf has listed: its last page is handled by then, and one comparison is enough."""
RETRY_SECONDS = 5.0
MAX_START_SECONDS = 60.0
"""How long kopf may take until it lists ExposedApps, while the API server answers us."""
MAX_DELAY_SECONDS = 5.0
"""How long an app that is listed may be unknown before it is fetched: its event is on the way."""


class Lister(Protocol):
    """As much of the API client as is needed here."""

    async def list_metadata(self, resource: Resource) -> tuple[str, Sequence[Json]]:
        """The list's resourceVersion, and the metadata of all objects. Raises ApiError."""

    async def get(self, kind: str, namespace: str, name: str) -> Json | None:
        """One object, or None. Raises ApiError."""


class AppResync:
    """Keeps the cached ExposedApps true, whatever kopf's watch misses."""

    def __init__(
        self,
        client: Lister,
        resource: Resource,
        store: ObjectStore,
        handler: ResourceHandler,
        enqueue: Callable[[Requests], None],
        on_activity: Callable[[Resource], None],
    ) -> None:
        """`resource` is that of the ExposedApps, or that in one namespace."""
        self.resource = resource
        self._client = client
        self._store = store
        self._handler = handler
        self._enqueue = enqueue
        self._on_activity = on_activity
        self._errors = ErrorLog(log, resource.title)
        self._listed = asyncio.Event()
        self.has_synced = asyncio.Event()
        """Set once every ExposedApp that was listed is in the cache."""

    def trigger(self) -> None:
        """Compare soon: kopf has just listed ExposedApps."""
        self._listed.set()

    async def run(self) -> None:
        """Compare until it is cancelled.

        Raises RuntimeError when kopf does not watch ExposedApps at all, and HistoryRewrittenError
        when etcd was restored.
        """
        await self._wait_for_kopf()
        while True:
            self._listed.clear()
            await asyncio.sleep(QUIET_SECONDS)
            try:
                await self._compare()
                delay = PERIOD_SECONDS
                self._errors.clear()
            except ApiError as error:
                delay = RETRY_SECONDS
                self._errors.report(error, delay)
            await wait_until_set(self._listed, delay)

    async def catch_up(self) -> None:
        """Fetch every app whose spec is newer than the cached one: this process starts to lead.

        The connection of its watch may be dead since a moment ago. What the leader before it has
        applied would then be undone, until the watch delivers the newer spec. A process that has
        not synced yet is about to get all apps from kopf's first list.
        """
        while self.has_synced.is_set():
            if await self._has_caught_up():
                return
            await asyncio.sleep(RETRY_SECONDS)

    async def _has_caught_up(self) -> bool:
        try:
            _, items = await self._client.list_metadata(self.resource)
            for item in items:
                if self._cached_generation(key_of(item)) < item["metadata"]["generation"]:
                    await self._fetch(key_of(item))
        except ApiError as error:
            self._errors.report(error, RETRY_SECONDS)
            return False
        return True

    def _cached_generation(self, key: NamespacedName) -> int:
        body = self._store.get(key)
        return int(body["metadata"]["generation"]) if body else 0

    async def _wait_for_kopf(self) -> None:
        """Wait for kopf's first list: it looks only once which kinds the cluster has."""
        was_refused = False
        while not await wait_until_set(self._listed, MAX_START_SECONDS):
            try:
                await self._client.list_metadata(self.resource)
            except ApiError:
                was_refused = True
                continue  # kopf has the same problem
            if was_refused:
                was_refused = False
                continue  # kopf may still be waiting to try again
            raise RuntimeError(
                f"kopf has not listed ExposedApps within {MAX_START_SECONDS:.0f} s, although the "
                "API server lists them; see the log for the request that failed"
            )

    async def _compare(self) -> None:
        version, items = await self._client.list_metadata(self.resource)
        self._on_activity(self.resource)
        objects = {key_of(item): version_of(item) for item in items}
        snapshot = ListSnapshot(int(version), objects, self.resource.namespace)
        deleted = list(self._handler.delete_missing(snapshot))
        if deleted:
            title = self.resource.title
            log.info("%s: %d deleted while the watch was interrupted", title, len(deleted))
        self._enqueue(deleted)
        if not all(map(self._is_cached, items)):
            await asyncio.sleep(MAX_DELAY_SECONDS)
            for item in items:
                if not self._is_cached(item):
                    await self._fetch(key_of(item))
        self.has_synced.set()

    def _is_cached(self, item: Json) -> bool:
        return self._store.has_seen(key_of(item), version_of(item))

    async def _fetch(self, key: NamespacedName) -> None:
        body = await self._client.get("ExposedApp", *key)
        if body is None:
            return
        log.warning("%s: the watch did not deliver it; fetched", key)
        self._enqueue(self._handler.upsert(body))
