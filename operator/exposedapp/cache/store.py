# SPDX-License-Identifier: Apache-2.0
"""Objects of one kind in memory: the ExposedApps, and their Deployments and Services.

Part of the cache; node_store.py and endpoint_slice_store.py keep what they parse. Pure.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol, cast

import orjson

from exposedapp.api.meta import Json, NamespacedName, key_of, version_of
from exposedapp.cache.encoding import encode
from exposedapp.cache.versions import ListSnapshot, Versions


class Store(Protocol):
    """What is known of the objects of one kind. The newer of two states wins.

    Each method returns the keys that the change concerns: of the apps where an object tells its
    app, else of the objects; none when nothing that matters is different.
    """

    def upsert(self, body: Json) -> list[NamespacedName]:
        """Take in a state of an object."""

    def delete(self, body: Json) -> list[NamespacedName]:
        """Take in the deletion of an object, given its last state."""

    def delete_missing(self, snapshot: ListSnapshot) -> list[NamespacedName]:
        """Delete what a list does not have, and what is not newer than it.

        Raises HistoryRewrittenError when the list contradicts what is known.
        """


class ObjectStore:
    """A store of whole objects, stripped and encoded: as JSON they take a tenth of the memory."""

    def __init__(self, encode: Callable[[Json], bytes] = encode) -> None:
        """`encode` returns what is kept of an object."""
        self._encode = encode
        self._encoded: dict[NamespacedName, bytes] = {}
        self._versions = Versions()

    def __iter__(self) -> Iterator[NamespacedName]:
        return iter(list(self._encoded))

    def get(self, key: NamespacedName) -> Json | None:
        """The last known state of an object."""
        encoded = self._encoded.get(key)
        return cast("Json", orjson.loads(encoded)) if encoded else None

    def keys_mentioning(self, texts: Iterable[str]) -> Iterator[NamespacedName]:
        """The keys of the objects that contain one of these texts anywhere."""
        patterns = [text.encode() for text in texts]
        for key, encoded in self._encoded.items():
            if any(pattern in encoded for pattern in patterns):
                yield key

    def has_seen(self, key: NamespacedName, version: int) -> bool:
        """Whether this state of an object, or a newer one, is known, or was deleted."""
        return version <= self._versions.latest(key)

    def upsert(self, body: Json) -> list[NamespacedName]:
        """Take in a state; the key, unless a newer state, or the same, is known already."""
        key, version = key_of(body), version_of(body)
        if self.has_seen(key, version):
            return []
        self._encoded[key] = self._encode(body)
        self._versions.set(key, version)
        return [key]

    def delete(self, body: Json) -> list[NamespacedName]:
        """Take in a deletion; the key, unless a newer object has taken its place."""
        key, version = key_of(body), version_of(body)
        is_known = key in self._encoded
        if is_known and self._versions.latest(key) > version:
            return []
        self._remove(key, version)
        return [key] if is_known else []

    def delete_missing(self, snapshot: ListSnapshot) -> list[NamespacedName]:
        """Delete what a list does not have. Raises HistoryRewrittenError."""
        self._versions.check(snapshot)
        missing = self._versions.missing(snapshot)
        for key in missing:
            self._remove(key, snapshot.version)
        return missing

    def delete_if(self, key: NamespacedName, uid: str, version: int | None = None) -> None:
        """Delete an object that proved not to exist; one that has taken its place stays.

        With a version, a newer state stays, too: it came after whatever proved that.
        """
        body = self.get(key)
        if version is not None and self._versions.latest(key) > version:
            return
        if body and body["metadata"]["uid"] == uid:
            del self._encoded[key]
            self._versions.forget(key)

    def _remove(self, key: NamespacedName, version: int) -> None:
        self._encoded.pop(key, None)
        self._versions.bury(key, version)
