"""Objects of one kind, kept small."""

from collections.abc import Callable, Iterable, Iterator, Set
from dataclasses import dataclass
from typing import cast

import orjson

from exposedapp.api.meta import Json, NamespacedName, key_of, version_of
from exposedapp.cache.encoding import encode

MAX_TOMBSTONES = 1000
"""How many deleted objects' last versions are kept: enough for all requests under way."""


@dataclass(frozen=True, slots=True)
class ListSnapshot:
    """The objects of a kind that there are: what is known and not among them was deleted."""

    version: int
    """The list's resourceVersion; an object that is newer than it says nothing of is not gone."""
    names: Set[tuple[str, str]]
    """(namespace, name); of a node ("", name)."""


class ObjectStore:
    """Objects of one kind, trimmed and packed: as JSON they take a tenth of the memory."""

    def __init__(self, encode: Callable[[Json], bytes] = encode) -> None:
        """`encode` returns what is kept of an object."""
        self._encode = encode
        self._packed: dict[NamespacedName, tuple[int, bytes]] = {}
        self._tombstones: dict[NamespacedName, int] = {}

    def __iter__(self) -> Iterator[NamespacedName]:
        return iter(list(self._packed))

    def get(self, key: NamespacedName) -> Json | None:
        """The object as it was last seen."""
        found = self._packed.get(key)
        return cast("Json", orjson.loads(found[1])) if found else None

    def keys_mentioning(self, texts: Iterable[str]) -> Iterator[NamespacedName]:
        """The objects that have one of these texts anywhere."""
        wanted = [it.encode() for it in texts]
        for key, (_, packed) in self._packed.items():
            if any(it in packed for it in wanted):
                yield key

    def has_seen(self, key: NamespacedName, version: int) -> bool:
        """Whether this state of an object, or a newer one, is known; also when it was deleted."""
        known = self._packed.get(key)
        return version <= (known[0] if known else self._tombstones.get(key, 0))

    def put(self, body: Json) -> bool:
        """Remembers an object; False when a newer state of it, or the same, is known already."""
        key, version = key_of(body), version_of(body)
        known = self._packed.get(key)
        if version <= (known[0] if known else self._tombstones.get(key, 0)):
            return False
        self._packed[key] = (version, self._encode(body))
        return True

    def drop(self, body: Json) -> bool:
        """Forgets a deleted object, unless a newer one has taken its place."""
        key, version = key_of(body), version_of(body)
        known = self._packed.get(key)
        if known and known[0] > version:
            return False
        self._bury(key, version)
        return self._packed.pop(key, None) is not None

    def _bury(self, key: NamespacedName, version: int) -> None:
        """The answer to a write may be handled after the news that its object is gone."""
        self._tombstones.pop(key, None)
        self._tombstones[key] = version
        if len(self._tombstones) > MAX_TOMBSTONES:
            del self._tombstones[next(iter(self._tombstones))]

    def sweep(self, listed: ListSnapshot) -> list[NamespacedName]:
        """Forgets what is not in a list of all there is, and is not newer than it either."""
        gone = [
            key
            for key, (version, _) in self._packed.items()
            if key not in listed.names and version <= listed.version
        ]
        for key in gone:
            del self._packed[key]
            self._bury(key, listed.version)
        return gone

    def forget(self, key: NamespacedName, uid: str) -> None:
        """Forgets an object that has proved to be gone; one that took its place stays."""
        found = self.get(key)
        if found and found["metadata"]["uid"] == uid:
            del self._packed[key]
