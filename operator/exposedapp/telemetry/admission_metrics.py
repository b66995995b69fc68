# SPDX-License-Identifier: Apache-2.0
"""Metrics of the admission webhook. Built by metrics.py; admission/ calls a plain callable."""

from prometheus_client import Counter, Histogram
from prometheus_client.registry import CollectorRegistry

RESULTS = ("allowed", "warned", "refused", "unchanged", "timeout", "busy", "error")
"""The values of the label `result`: those of ReviewResult in admission/results.py."""

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 3)


class AdmissionMetrics:
    """Counts and times the requests of the API server."""

    def __init__(self, registry: CollectorRegistry) -> None:
        results = Counter(
            "exposedapp_admission_requests_total",
            "Admission requests by result: allowed, warned or refused; unchanged, as the spec was; "
            "and accepted without a judgement: timeout, after 2 s; busy, with too many at a time; "
            "error, with a traceback in the log.",
            ["result"],
            registry=registry,
        )
        self._results = {result: results.labels(result) for result in RESULTS}
        self._seconds = Histogram(
            "exposedapp_admission_duration_seconds",
            "Duration of an admission request, for which its author waits.",
            buckets=BUCKETS,
            registry=registry,
        )

    def reviewed(self, result: str, seconds: float) -> None:
        """Count one request."""
        self._results[result].inc()
        self._seconds.observe(seconds)
