# SPDX-License-Identifier: Apache-2.0
"""Metrics of the work queue and of the reconciles that it runs.

Implements workqueue/metrics.py. Names, labels and meanings are those of client-go's workqueue and
of controller-runtime's controller. Built by metrics.py.
"""

from collections.abc import Callable, Hashable, Mapping
from functools import partial

from prometheus_client import Counter, Gauge, Histogram
from prometheus_client.registry import CollectorRegistry

from exposedapp.workqueue.result import RESULT_LABELS, ResultLabel

NAME = "exposedapp"
"""The controller's name, and that of its queue."""

CONTROLLER = {"controller": NAME}
QUEUE = {"name": NAME, "controller": NAME}

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)

RECONCILES = "controller_runtime_reconcile_total"
RECONCILE_ERRORS = "controller_runtime_reconcile_errors_total"
RECONCILE_PANICS = "controller_runtime_reconcile_panics_total"
RECONCILE_SECONDS = "controller_runtime_reconcile_time_seconds"
ADDS = "workqueue_adds_total"
RETRIES = "workqueue_retries_total"
QUEUE_SECONDS = "workqueue_queue_duration_seconds"
WORK_SECONDS = "workqueue_work_duration_seconds"

COUNTERS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    RECONCILE_ERRORS: (
        "Reconciles that failed for another reason than their app's spec: failed requests and "
        "unexpected errors.",
        CONTROLLER,
    ),
    RECONCILE_PANICS: (
        "Reconciles that ended with an unexpected error: a bug, with a traceback in the log.",
        CONTROLLER,
    ),
    ADDS: ("Apps added to the queue.", QUEUE),
    RETRIES: ("Reconciles after which the app was requeued for later.", QUEUE),
}

HISTOGRAMS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    RECONCILE_SECONDS: ("Duration of a reconcile.", CONTROLLER),
    QUEUE_SECONDS: ("How long an app waited in the queue.", QUEUE),
    WORK_SECONDS: ("How long an app was processed.", QUEUE),
}


class PrometheusQueueMetrics:
    """Counts and times the keys of the queue; ages are computed when they are scraped."""

    def __init__(self, registry: CollectorRegistry, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._worker_count = 0
        self._added_at: dict[Hashable, float] = {}
        """The keys that wait. The first has waited longest, since none is added twice."""
        self._started_at: dict[Hashable, float] = {}
        """The keys that are processed; the first for the longest time."""
        total = Counter(
            RECONCILES,
            "Reconciles by result: success; requeue_after, requeued for later; requeue, blocked by "
            "what the app's status reports; error.",
            ["controller", "result"],
            registry=registry,
        )
        self._results = {
            label: total.labels(NAME, label) for label in RESULT_LABELS if label != "panic"
        }
        self._counters = {
            name: Counter(name, text, list(labels), registry=registry).labels(**labels)
            for name, (text, labels) in COUNTERS.items()
        }
        self._histograms = {
            name: Histogram(name, text, list(labels), buckets=BUCKETS, registry=registry).labels(
                **labels
            )
            for name, (text, labels) in HISTOGRAMS.items()
        }
        for name, (text, labels, read) in GAUGES.items():
            gauge = Gauge(name, text, list(labels), registry=registry).labels(**labels)
            gauge.set_function(partial(read, self))

    def workers(self, count: int) -> None:
        """At most `count` keys are processed at one time."""
        self._worker_count = count

    def added(self, key: Hashable) -> None:
        """A key was added; one that waits already is not counted again."""
        if key not in self._added_at:
            self._added_at[key] = self._clock()
            self._counters[ADDS].inc()

    def started(self, key: Hashable) -> None:
        """A worker has taken the key."""
        now = self._clock()
        self._started_at[key] = now
        self._histograms[QUEUE_SECONDS].observe(now - self._added_at.pop(key, now))

    def ended(self, key: Hashable, result: ResultLabel) -> None:
        """The work on the key is over."""
        now = self._clock()
        seconds = now - self._started_at.pop(key, now)
        self._histograms[WORK_SECONDS].observe(seconds)
        self._histograms[RECONCILE_SECONDS].observe(seconds)
        if result == "panic":
            self._counters[RECONCILE_PANICS].inc()
            result = "error"
        self._results[result].inc()
        if result == "error":
            self._counters[RECONCILE_ERRORS].inc()
        if result != "success":
            self._counters[RETRIES].inc()

    @property
    def worker_count(self) -> int:
        """Maximum of keys that are processed at one time."""
        return self._worker_count

    @property
    def depth(self) -> int:
        """Number of keys that wait."""
        return len(self._added_at)

    @property
    def processing(self) -> int:
        """Number of keys that are processed."""
        return len(self._started_at)

    @property
    def oldest_seconds(self) -> float:
        """How long the key that has waited longest has waited; 0 when none waits."""
        return self._age_of_first(self._added_at)

    @property
    def longest_running_seconds(self) -> float:
        """For how long the key that was taken first has been processed; 0 when none is."""
        return self._age_of_first(self._started_at)

    @property
    def unfinished_seconds(self) -> float:
        """Sum of the times for which keys have been processed."""
        now = self._clock()
        return sum(now - started_at for started_at in self._started_at.values())

    def _age_of_first(self, times: Mapping[Hashable, float]) -> float:
        first = next(iter(times.values()), None)
        return 0.0 if first is None else self._clock() - first


GAUGES: Mapping[str, tuple[str, Mapping[str, str], Callable[[PrometheusQueueMetrics], float]]] = {
    "controller_runtime_active_workers": (
        "Reconciles in progress.",
        CONTROLLER,
        lambda queue: queue.processing,
    ),
    "controller_runtime_max_concurrent_reconciles": (
        "Maximum of concurrent reconciles.",
        CONTROLLER,
        lambda queue: queue.worker_count,
    ),
    "workqueue_depth": ("Apps that wait to be reconciled.", QUEUE, lambda queue: queue.depth),
    "workqueue_unfinished_work_seconds": (
        "Sum of the durations of all reconciles in progress.",
        QUEUE,
        lambda queue: queue.unfinished_seconds,
    ),
    "workqueue_longest_running_processor_seconds": (
        "Duration of the reconcile that has been in progress for the longest time.",
        QUEUE,
        lambda queue: queue.longest_running_seconds,
    ),
    "exposedapp_workqueue_oldest_seconds": (
        "How long the app that has waited longest has been in the queue; 0 when none waits.",
        QUEUE,
        lambda queue: queue.oldest_seconds,
    ),
}
