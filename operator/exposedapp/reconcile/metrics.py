"""Who counts the apps by their conditions."""

from collections.abc import Hashable, Iterable
from typing import Protocol

from exposedapp.api.app import Condition


class ConditionMetrics(Protocol):
    """Who is told what becomes of the apps."""

    def tell(self, key: Hashable, conditions: Iterable[Condition]) -> None:
        """These are the app's conditions now."""

    def forget(self, key: Hashable) -> None:
        """The app is gone."""


class NoopConditionMetrics:
    """For apps that nobody counts."""

    def tell(self, key: Hashable, conditions: Iterable[Condition]) -> None:
        """Nobody is told."""

    def forget(self, key: Hashable) -> None:
        """Nobody is told."""
