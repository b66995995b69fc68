# SPDX-License-Identifier: Apache-2.0
"""Metrics of the probes. Built by metrics.py; the prober calls it through two plain callables."""

from collections.abc import Callable, Mapping
from functools import partial

from prometheus_client import Counter, Gauge
from prometheus_client.registry import CollectorRegistry

from exposedapp.exposure.probes import ProbeOutcome, ProbeResult
from exposedapp.probing.state import ProbeState

RESULTS = {
    ProbeOutcome.ANSWERED: "ok",
    ProbeOutcome.REFUSED: "refused",
    ProbeOutcome.TIMED_OUT: "timeout",
    ProbeOutcome.UNKNOWN_HOST: "unknown_host",
    ProbeOutcome.NO_ROUTE: "no_route",
    ProbeOutcome.CLOSED: "closed",
    ProbeOutcome.NO_TLS: "tls",
    ProbeOutcome.NOT_HTTP: "not_http",
    ProbeOutcome.HTTP_ERROR: "http_status",
    ProbeOutcome.NO_CONNECTION: "other",
    ProbeOutcome.NOT_ATTEMPTED: "other",
}
"""The values of the label `result`."""

GAUGES: Mapping[str, tuple[str, Callable[[ProbeState], float]]] = {
    "exposedapp_probe_targets": ("URLs that are probed.", lambda state: state.targets),
    "exposedapp_probe_in_flight": ("Probes in progress.", lambda state: state.in_flight),
    "exposedapp_probe_overdue_seconds": (
        "How late the next probe of a URL is: it grows when there are more URLs than the maximum "
        "rate and the maximum of concurrent probes allow.",
        lambda state: state.overdue,
    ),
}


class ProbeMetrics:
    """Counts results, and reads the prober's state at each scrape."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.state: Callable[[], ProbeState] = ProbeState
        """Returns the prober's state; set when there is a prober."""
        results = Counter(
            "exposedapp_probe_results_total", "Probes by result.", ["result"], registry=registry
        )
        self._results = {outcome: results.labels(RESULTS[outcome]) for outcome in ProbeOutcome}
        for name, (text, read) in GAUGES.items():
            Gauge(name, text, registry=registry).set_function(partial(self._read, read))

    def tried(self, result: ProbeResult) -> None:
        """Count one probe."""
        self._results[result.outcome].inc()

    def _read(self, read: Callable[[ProbeState], float]) -> float:
        return read(self.state())
