# SPDX-License-Identifier: Apache-2.0
"""Metrics of a queue as an interface, so that the queue needs no Prometheus.

Implemented in telemetry/; client-go's workqueue calls it a metrics provider.
"""

from collections.abc import Hashable
from typing import Protocol

from exposedapp.workqueue.result import ResultLabel


class QueueMetrics(Protocol):
    """Called by the queue when something happens to a key."""

    def workers(self, count: int) -> None:
        """At most `count` keys are worked on at one time."""

    def added(self, key: Hashable) -> None:
        """A key was added, whether it waits already or not."""

    def started(self, key: Hashable) -> None:
        """A worker has taken the key."""

    def ended(self, key: Hashable, result: ResultLabel) -> None:
        """The work on the key is over."""


class NoopQueueMetrics:
    """For a queue that is not measured."""

    def workers(self, count: int) -> None:
        """No-op."""

    def added(self, key: Hashable) -> None:
        """No-op."""

    def started(self, key: Hashable) -> None:
        """No-op."""

    def ended(self, key: Hashable, result: ResultLabel) -> None:
        """No-op."""
