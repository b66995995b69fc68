# SPDX-License-Identifier: Apache-2.0
"""How long ago the API server sent something about each watched kind.

Built by metrics.py; read by it and by health.py.
"""

from collections.abc import Callable, Iterator, Mapping

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector, CollectorRegistry

from exposedapp.kube.resources import Resource


class WatchAges(Collector):
    """Remembers when the API server last sent anything about a kind: an event, bookmark or list."""

    def __init__(self, registry: CollectorRegistry, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._seen_at: dict[Resource, float] = {}
        registry.register(self)

    def seen(self, resource: Resource) -> None:
        """Record that the API server has sent something."""
        self._seen_at[resource] = self._clock()

    def ages(self) -> Mapping[Resource, float]:
        """Seconds since the API server last sent something, by what is watched."""
        now = self._clock()
        return {resource: now - seen_at for resource, seen_at in self._seen_at.items()}

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """One gauge per kind: the age of its oldest watch, of any namespace."""
        family = GaugeMetricFamily(
            "exposedapp_watch_age_seconds",
            "Time since the API server last sent an event, a bookmark or a list of this kind.",
            labels=["kind"],
        )
        oldest: dict[str, float] = {}
        for resource, age in self.ages().items():
            oldest[resource.plural] = max(age, oldest.get(resource.plural, age))
        for plural, age in sorted(oldest.items()):
            family.add_metric([plural], age)
        yield family
