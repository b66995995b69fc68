# SPDX-License-Identifier: Apache-2.0
"""Number of apps by their conditions. Implements reconcile/metrics.py; built by metrics.py."""

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector, CollectorRegistry

from exposedapp.api.app import Condition, ConditionStatus
from exposedapp.api.conditions import ReachableReason, Reason

KNOWN_REASONS = frozenset({*Reason, *ReachableReason})

OTHER = "Other"
"""Stands for every reason that is not known, so that the number of series is bounded."""

Group = tuple[str, ConditionStatus, str]
"""A condition's type, status and reason."""


class AppsByCondition(Collector):
    """Counts the apps in each group; kept up to date at each change, not at each scrape."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._groups_by_key: dict[Hashable, tuple[Group, ...]] = {}
        self._counts: Counter[Group] = Counter()
        self._interned: dict[Group, Group] = {}
        """Each group once in memory: most apps have the same ones."""
        registry.register(self)

    def observe(self, key: Hashable, conditions: Iterable[Condition]) -> None:
        """Record the app's conditions after a reconcile."""
        groups = tuple(
            [(condition.type, condition.status, condition.reason) for condition in conditions]
        )
        if groups != self._groups_by_key.get(key):
            self.forget(key)
            groups = tuple(self._interned.setdefault(group, group) for group in groups)
            self._groups_by_key[key] = groups
            self._counts.update(groups)

    def forget(self, key: Hashable) -> None:
        """Stop counting an app that was deleted."""
        self._counts.subtract(self._groups_by_key.pop(key, ()))

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """One gauge per group. An empty group stays: in a graph, a missing series is no zero."""
        family = GaugeMetricFamily(
            "exposedapp_apps",
            "Apps by the type, status and reason of a condition that they have.",
            labels=["condition", "status", "reason"],
        )
        bounded: Counter[Group] = Counter()
        for (kind, status, reason), count in self._counts.items():
            bounded[kind, status, reason if reason in KNOWN_REASONS else OTHER] += count
        for labels, count in sorted(bounded.items()):
            family.add_metric(labels, count)
        yield family
