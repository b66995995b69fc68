# SPDX-License-Identifier: Apache-2.0
"""All apps as the page shows them, and what has changed since a given moment.

The informer writes into it (the Store that cache/ expects), the server reads from it. Each change
has a number, so a browser that was away for a while gets what it missed, however many changes that
was: at most one row for each app.
"""

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import orjson

from exposedapp.api.meta import Json, NamespacedName, key_of, version_of
from exposedapp.cache.versions import ListSnapshot, Versions
from exposedapp.catalog.view import AppView, strip, view_of

MAX_DELETIONS = 1000
"""How many deletions are remembered for browsers that were away."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """An app: what its view is made of, and its row of the page, rendered once for all browsers."""

    number: int
    order: str
    body: bytes
    row: bytes
    """UTF-8: a single arrow would double the size of a text."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What a browser must do to show the present state."""

    number: int
    """Of the last change; what follows this is in the next Changes."""
    rows: dict[NamespacedName, bytes]
    deleted: list[NamespacedName]


class CatalogStore:
    """The apps of the cluster, by key."""

    def __init__(self, render: Callable[[AppView], bytes]) -> None:
        """`render` returns an app's row."""
        self._render = render
        self._entries: dict[NamespacedName, _Entry] = {}
        """The app that has changed last is the last."""
        self._deletions: dict[NamespacedName, int] = {}
        self._forgotten = 0
        """The number of the last deletion that is not remembered any more."""
        self._versions = Versions()
        self._changed = asyncio.Event()
        self.number = 0
        """Of the last change."""
        self.epoch = secrets.token_hex(4)
        """Of this process: numbers of another one mean nothing."""

    def __len__(self) -> int:
        return len(self._entries)

    def rows(self) -> list[bytes]:
        """The rows of all apps, in the order of the page."""
        return [entry.row for entry in sorted(self._entries.values(), key=_order)]

    def view(self, key: NamespacedName) -> AppView | None:
        """An app; None when there is none."""
        entry = self._entries.get(key)
        return view_of(cast("Json", orjson.loads(entry.body))) if entry else None

    def changes_since(self, number: int) -> Changes | None:
        """What has changed after that number; None when it is not known any more."""
        if number < self._forgotten or number > self.number:
            return None
        rows = {}
        for key, entry in reversed(self._entries.items()):
            if entry.number <= number:
                break
            rows[key] = entry.row
        deleted = [key for key, deletion in self._deletions.items() if deletion > number]
        return Changes(self.number, rows, deleted)

    async def wait_for_change(self, number: int) -> None:
        """Wait until there is a change after that number."""
        while self.number <= number:
            await self._changed.wait()

    def upsert(self, body: Json) -> list[NamespacedName]:
        """Take in a state of an app. Raises KeyError or the like for a malformed one."""
        key, version = key_of(body), version_of(body)
        if version <= self._versions.latest(key):
            return []
        stripped = strip(body)
        encoded = orjson.dumps(stripped)
        view = view_of(stripped)
        self._versions.set(key, version)
        before = self._entries.get(key)
        if before and before.body == encoded:
            return []
        self._entries.pop(key, None)
        self._deletions.pop(key, None)
        number = self._next_number()
        self._entries[key] = _Entry(number, view.order, encoded, self._render(view))
        return [key]

    def delete(self, body: Json) -> list[NamespacedName]:
        """Take in the deletion of an app, given its last state."""
        key, version = key_of(body), version_of(body)
        if version < self._versions.latest(key):
            return []
        self._versions.bury(key, version)
        return self._remove(key)

    def delete_missing(self, snapshot: ListSnapshot) -> list[NamespacedName]:
        """Delete what a list does not have. Raises HistoryRewrittenError."""
        self._versions.check(snapshot)
        missing = self._versions.missing(snapshot)
        for key in missing:
            self._versions.bury(key, snapshot.version)
            self._remove(key)
        return missing

    def _remove(self, key: NamespacedName) -> list[NamespacedName]:
        if self._entries.pop(key, None) is None:
            return []
        self._deletions[key] = self._next_number()
        if len(self._deletions) > MAX_DELETIONS:
            oldest = next(iter(self._deletions))
            self._forgotten = self._deletions.pop(oldest)
        return [key]

    def _next_number(self) -> int:
        self.number += 1
        self._changed.set()
        self._changed = asyncio.Event()
        return self.number


def _order(entry: _Entry) -> str:
    return entry.order
