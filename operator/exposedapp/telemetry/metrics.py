# SPDX-License-Identifier: Apache-2.0
"""The operator's Prometheus metrics, in one registry.

Names and labels that other controllers have, too, are those of controller-runtime and client-go, so
that existing dashboards and alerts show this operator as well; what only this operator has is
called exposedapp_*. Depths and ages are computed when they are scraped; the others cost a few
microseconds per reconcile. No metric carries the name of an app, a node or a namespace: their
number must not become the number of series.

Built by runtime.py, which hands each part to the package that it measures as a plain callable or as
a protocol of that package; so nothing but telemetry/ knows Prometheus.
"""

import time
from collections.abc import Callable
from urllib.parse import urlsplit

from prometheus_client import Counter, Gauge, Histogram, disable_created_metrics
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import CollectorRegistry

from exposedapp.telemetry.admission_metrics import AdmissionMetrics
from exposedapp.telemetry.app_metrics import AppsByCondition
from exposedapp.telemetry.probe_metrics import ProbeMetrics
from exposedapp.telemetry.queue_metrics import NAME, PrometheusQueueMetrics
from exposedapp.telemetry.watch_metrics import WatchAges
from exposedapp.version import __version__

REQUEST_BUCKETS = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)

LAG_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

NO_RESPONSE = "<error>"
"""client-go's code for a request without a response."""


class Metrics:
    """All metrics of one process."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        # They would double the number of series, and no dashboard asks when a counter began.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        self.queue = PrometheusQueueMetrics(self.registry, clock)
        self.apps = AppsByCondition(self.registry)
        self.probes = ProbeMetrics(self.registry)
        self.admission = AdmissionMetrics(self.registry)
        self.watches = WatchAges(self.registry, clock)
        self.loop_lag = Histogram(
            "exposedapp_event_loop_lag_seconds",
            "How much later than due the event loop resumed a task that only sleeps: everything "
            "else is as late.",
            buckets=LAG_BUCKETS,
            registry=self.registry,
        )
        self._requests = Counter(
            "rest_client_requests_total",
            "Requests to the API server by the response's HTTP code (<error>: no response), method "
            "and host.",
            ["code", "method", "host"],
            registry=self.registry,
        )
        self._request_seconds = Histogram(
            "rest_client_request_duration_seconds",
            "Duration of a request by method (verb) and host; of a watch until it began.",
            ["verb", "host"],
            buckets=REQUEST_BUCKETS,
            registry=self.registry,
        )
        self.leading = Gauge(
            "leader_election_master_status",
            "Whether this process leads: 1, or 0 for a standby.",
            ["name"],
            registry=self.registry,
        ).labels(NAME)
        Gauge(
            "exposedapp_build_info",
            "Always 1; the labels say which version is running.",
            ["version"],
            registry=self.registry,
        ).labels(__version__).set(1)
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)

    def requests_of(self, host: str) -> Callable[[str, int, float], None]:
        """A function to call after each request to this API server.

        It takes the method, the response's code (0: no response) and the duration in seconds.
        """
        host = urlsplit(host).netloc or host
        counters: dict[tuple[str, int], Counter] = {}
        histograms: dict[str, Histogram] = {}

        def observe(method: str, code: int, seconds: float) -> None:
            counter = counters.get((method, code))
            if counter is None:
                label = str(code) if code else NO_RESPONSE
                counter = counters[method, code] = self._requests.labels(label, method, host)
                histograms[method] = self._request_seconds.labels(method, host)
            counter.inc()
            histograms[method].observe(seconds)

        return observe
