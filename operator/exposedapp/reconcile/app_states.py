# SPDX-License-Identifier: Apache-2.0
"""What a phase remembers of an app between two reconciles.

In memory only, and safe to lose: after a restart it costs requests, and no status becomes wrong.
Each phase owns one of these, and no other phase reads it.
"""

from collections.abc import Callable
from typing import Generic, TypeVar

from exposedapp.api.meta import NamespacedName
from exposedapp.reconcile.app import App

S = TypeVar("S")


class AppStates(Generic[S]):
    """One state per app, which starts again with each generation of the app's spec."""

    def __init__(self, new: Callable[[], S], *, per_generation: bool = True) -> None:
        """With `per_generation` False a state lasts as long as the app."""
        self._new = new
        self._per_generation = per_generation
        self._states: dict[NamespacedName, tuple[tuple[str, int], S]] = {}

    def __len__(self) -> int:
        return len(self._states)

    def get(self, app: App) -> S:
        """The app's present state; a new one at first."""
        generation = (app.ref.uid, app.generation if self._per_generation else 0)
        known = self._states.get(app.key)
        if known and known[0] == generation:
            return known[1]
        state = self._new()
        self._states[app.key] = (generation, state)
        return state

    def forget(self, key: NamespacedName) -> None:
        """Drop the state of an app that is deleted."""
        self._states.pop(key, None)
