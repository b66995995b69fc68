# SPDX-License-Identifier: Apache-2.0
"""Which state of an object is the newer one, and which objects a list does not have any more.

Events and the responses to the operator's own writes arrive in any order; their resourceVersions
have one. Used by the stores and the informers; pure.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from exposedapp.api.meta import Json, NamespacedName

MAX_TOMBSTONES = 1000
"""How many deletions are remembered: enough for all requests under way."""


class HistoryRewrittenError(Exception):
    """The API server's revisions went back, as after the restore of an etcd backup.

    Nothing in the cache is certain then, and kopf does not list again by itself: the process ends,
    and starts with what there is.
    """


@dataclass(frozen=True, slots=True)
class ListSnapshot:
    """The objects of a kind as one list has them."""

    version: int
    """The list's resourceVersion: it says nothing of an object that is newer."""
    objects: Mapping[NamespacedName, int]
    """Their resourceVersions."""
    namespace: str | None = None
    """The list says nothing of objects in others; None: it is of the whole cluster."""

    def covers(self, key: NamespacedName) -> bool:
        """Whether the list would have this object if it existed."""
        return self.namespace in (None, key.namespace)


class Versions:
    """The resourceVersions of the known objects of a kind, and tombstones of deleted ones."""

    def __init__(self) -> None:
        self._known: dict[NamespacedName, int] = {}
        self._tombstones: dict[NamespacedName, int] = {}

    def latest(self, key: NamespacedName) -> int:
        """The version of the last known state, or of the deletion; 0 of an unknown object."""
        return self._known.get(key) or self._tombstones.get(key, 0)

    def set(self, key: NamespacedName, version: int) -> None:
        """Remember the version of a state."""
        self._known[key] = version

    def bury(self, key: NamespacedName, version: int) -> None:
        """Remember a deletion: the response to a write may arrive after the event."""
        self._known.pop(key, None)
        self._tombstones.pop(key, None)
        self._tombstones[key] = version
        if len(self._tombstones) > MAX_TOMBSTONES:
            del self._tombstones[next(iter(self._tombstones))]

    def forget(self, key: NamespacedName) -> None:
        """Remember nothing of an object."""
        self._known.pop(key, None)

    def missing(self, snapshot: ListSnapshot) -> list[NamespacedName]:
        """The known objects that the list does not have, and that are not newer than it."""
        return [
            key
            for key, version in self._known.items()
            if snapshot.covers(key) and key not in snapshot.objects and version <= snapshot.version
        ]

    def check(self, snapshot: ListSnapshot) -> None:
        """Raise HistoryRewrittenError when the list has a state that is known to be over."""
        for key, listed in snapshot.objects.items():
            if listed < self.latest(key) <= snapshot.version:
                raise HistoryRewrittenError(
                    f"{key} is listed with resourceVersion {listed}, after {self.latest(key)}"
                )


def name_of(body: Json) -> NamespacedName:
    """Namespace ("" of a cluster-scoped object) and name. Raises KeyError without a name."""
    metadata = body["metadata"]
    return NamespacedName(metadata.get("namespace", ""), metadata["name"])
