"""How long ago each watched kind was heard of. Built by metrics.py; read by it and by health.py."""

from collections.abc import Callable, Iterator, Mapping

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector, CollectorRegistry


class WatchAges(Collector):
    """Remembers when the API server last sent anything about a kind: an event, bookmark or list."""

    def __init__(self, registry: CollectorRegistry, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._seen_at: dict[str, float] = {}
        registry.register(self)

    def seen(self, kind: str) -> None:
        """Record that the API server has sent something; the kind by its plural."""
        self._seen_at[kind] = self._clock()

    def ages(self) -> Mapping[str, float]:
        """Seconds since each kind was last heard of, by its plural."""
        now = self._clock()
        return {kind: now - seen_at for kind, seen_at in self._seen_at.items()}

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """One gauge per kind."""
        family = GaugeMetricFamily(
            "exposedapp_watch_age_seconds",
            "Time since the API server last sent an event, a bookmark or a list of this kind.",
            labels=["kind"],
        )
        for kind, age in sorted(self.ages().items()):
            family.add_metric([kind], age)
        yield family
