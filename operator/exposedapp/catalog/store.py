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

import orjson

from exposedapp.api.meta import Json, NamespacedName, key_of, version_of
from exposedapp.cache.store import ObjectStore
from exposedapp.cache.versions import ListSnapshot
from exposedapp.catalog.view import AppView, strip, view_of

MAX_DELETIONS = 1000
"""How many deletions are remembered for browsers that were away."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """An app on the page: its row, rendered once for all browsers."""

    number: int
    order: str
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
        self._apps = ObjectStore(lambda body: orjson.dumps(strip(body)))
        """What the views are made of."""
        self._entries: dict[NamespacedName, _Entry] = {}
        """The app that has changed last is the last."""
        self._deletions: dict[NamespacedName, int] = {}
        self._forgotten = 0
        """The number of the last deletion that is not remembered any more."""
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
        app = self._apps.get(key)
        return view_of(app) if app else None

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
        key = key_of(body)
        if self._apps.has_seen(key, version_of(body)):
            return []
        stripped = strip(body)
        if stripped == self._apps.get(key):
            self._apps.upsert(body)
            return []
        view = view_of(stripped)
        row = self._render(view)  # before anything is kept of a malformed one
        self._apps.upsert(body)
        self._entries.pop(key, None)
        self._deletions.pop(key, None)
        self._entries[key] = _Entry(self._next_number(), view.order, row)
        return [key]

    def delete(self, body: Json) -> list[NamespacedName]:
        """Take in the deletion of an app, given its last state."""
        return self._remove(self._apps.delete(body))

    def delete_missing(self, snapshot: ListSnapshot) -> list[NamespacedName]:
        """Delete what a list does not have. Raises HistoryRewrittenError."""
        return self._remove(self._apps.delete_missing(snapshot))

    def _remove(self, keys: list[NamespacedName]) -> list[NamespacedName]:
        for key in keys:
            del self._entries[key]
            self._deletions[key] = self._next_number()
            if len(self._deletions) > MAX_DELETIONS:
                oldest = next(iter(self._deletions))
                self._forgotten = self._deletions.pop(oldest)
        return keys

    def _next_number(self) -> int:
        self.number += 1
        self._changed.set()
        self._changed = asyncio.Event()
        return self.number


def _order(entry: _Entry) -> str:
    return entry.order
