# SPDX-License-Identifier: Apache-2.0
"""Reads what has the names of an app's children: from the cache, or from the API server.

Called by children.py. The cache has only objects with the operator's label: a foreign object of a
child's name is seen only by asking the API server.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from exposedapp.api.meta import ChildKind, Json, NamespacedName
from exposedapp.cache.cache import Cache
from exposedapp.kube.errors import ApiError
from exposedapp.reconcile.app import App
from exposedapp.reconcile.errors import AppDeleted
from exposedapp.reconcile.gather import gather_all
from exposedapp.reconcile.interfaces import ChildClient
from exposedapp.reconcile.ownership import is_owned

Named = Mapping[ChildKind, Json | None]
"""By kind, the object that has the child's name, whoever owns it; None when there is none."""


@dataclass(frozen=True, slots=True)
class ReadError:
    """A read that failed: without it nothing can be applied."""

    error: ApiError


class ChildReader:
    """Reads the objects with an app's name."""

    def __init__(self, client: ChildClient, cache: Cache) -> None:
        self._client = client
        self._cache = cache

    def owned(self, app: App, kind: ChildKind) -> Json | None:
        """The app's child in the cache."""
        live = self._cache.children[kind].get(app.key)
        return live if live and is_owned(app.ref, live) else None

    def cached(self, app: App, kinds: Sequence[ChildKind]) -> Named:
        """What the cache has under the name."""
        return {kind: self._cache.children[kind].get(app.key) for kind in kinds}

    async def read(self, app: App, kinds: Sequence[ChildKind]) -> Named | ReadError:
        """What has the name now: the API server is asked for what is not in the cache."""
        try:
            objects = await gather_all(*(self._get(app.key, kind) for kind in kinds))
        except ApiError as error:
            return ReadError(error)
        return dict(zip(kinds, objects, strict=True))

    async def ensure_app_exists(self, app: App) -> ReadError | None:
        """Raise AppDeleted when the app was deleted.

        A missing child may mean that, and that the app's DELETED event has not arrived yet:
        creating the child again would leave an orphan.
        """
        try:
            live = await self._client.get("ExposedApp", *app.key)
        except ApiError as error:
            return ReadError(error)
        if live is None or live["metadata"]["uid"] != app.ref.uid:
            raise AppDeleted
        if "deletionTimestamp" in live["metadata"]:
            raise AppDeleted
        return None

    async def _get(self, key: NamespacedName, kind: ChildKind) -> Json | None:
        return self._cache.children[kind].get(key) or await self._client.get(kind, *key)
