# SPDX-License-Identifier: Apache-2.0
"""Metrics of the apps' conditions as an interface, so that the reconciler needs no Prometheus.

Implemented in telemetry/.
"""

from collections.abc import Hashable, Iterable
from typing import Protocol

from exposedapp.api.app import Condition


class ConditionMetrics(Protocol):
    """Called by the reconciler."""

    def observe(self, key: Hashable, conditions: Iterable[Condition]) -> None:
        """A status with these conditions was computed."""

    def forget(self, key: Hashable) -> None:
        """The app was deleted."""


class NoopConditionMetrics:
    """For a reconciler that is not measured."""

    def observe(self, key: Hashable, conditions: Iterable[Condition]) -> None:
        """No-op."""

    def forget(self, key: Hashable) -> None:
        """No-op."""
