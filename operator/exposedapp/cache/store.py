"""Objects of one kind, kept small."""

from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass
from typing import Any, cast

import orjson

from exposedapp.api.meta import Json, NamespacedName, key_of, version_of

MAX_TOMBSTONES = 1000
"""How many deleted objects' last versions are kept: enough for all requests under way."""

MAX_DEPTH = 200
"""How deep an object is kept; orjson goes 254 levels deep, a podTemplate may have half as many."""

IGNORED_ANNOTATION = "kubectl.kubernetes.io/last-applied-configuration"
"""A second copy of the whole object."""


@dataclass(frozen=True, slots=True)
class ListSnapshot:
    """The objects of a kind that there are: what is known and not among them was deleted."""

    version: int
    """The list's resourceVersion; an object that is newer than it says nothing of is not gone."""
    names: Set[tuple[str, str]]
    """(namespace, name); of a node ("", name)."""


class ObjectStore:
    """Objects of one kind, trimmed and packed: as JSON they take a tenth of the memory."""

    def __init__(self) -> None:
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
        self._packed[key] = (version, _pack(strip(body)))
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


def strip(body: Json) -> Json:
    """The part of an object that the operator uses."""
    meta = body["metadata"]
    kept = ("name", "namespace", "uid", "resourceVersion", "generation", "labels")
    trimmed: Json = {
        "metadata": {key: meta[key] for key in kept if key in meta},
        "spec": body.get("spec") or {},
        "status": body.get("status") or {},
    }
    for key in ("ownerReferences", "deletionTimestamp"):
        if key in meta:
            trimmed["metadata"][key] = meta[key]
    annotations = meta.get("annotations") or {}
    if found := {key: it for key, it in annotations.items() if key != IGNORED_ANNOTATION}:
        trimmed["metadata"]["annotations"] = found
    return trimmed


def _pack(body: Json) -> bytes:
    try:
        return orjson.dumps(body)
    except orjson.JSONEncodeError:
        # Nested deeper than it goes, which the reconcile must be able to tell.
        return orjson.dumps(_cut(body, MAX_DEPTH))


def _cut(value: Any, levels: int) -> Any:
    if isinstance(value, dict):
        return {key: _cut(it, levels - 1) for key, it in value.items()} if levels else None
    if isinstance(value, list):
        return [_cut(it, levels - 1) for it in value] if levels else None
    return value
