# SPDX-License-Identifier: Apache-2.0
"""A bounded dictionary that drops the entry that was not used for the longest time. Pure."""

from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


class RecentlyUsed(Generic[Key, Value]):
    """At most `limit` values by key. Unlike functools.lru_cache it can list and replace them."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._values: dict[Key, Value] = {}
        """In the order of their last use."""

    def get(self, key: Key, create: Callable[[], Value]) -> Value:
        """The value of the key, created if it is not kept."""
        value = self._values[key] if key in self._values else create()
        self.put(key, value)
        return value

    def peek(self, key: Key) -> Value | None:
        """The value of the key, without using it; None if it is not kept."""
        return self._values.get(key)

    def put(self, key: Key, value: Value) -> None:
        """Keep a value as the one that was used last."""
        self._values.pop(key, None)
        self._values[key] = value
        if len(self._values) > self._limit:
            del self._values[next(iter(self._values))]

    def remove(self, key: Key) -> None:
        """Drop the value of the key, if there is one."""
        self._values.pop(key, None)

    def values(self) -> Iterable[Value]:
        """All values that are kept."""
        return self._values.values()

    def __len__(self) -> int:
        return len(self._values)
