"""What the operator measures of itself, for Prometheus.

Names and labels that other controllers have too are those of controller-runtime and client-go, so
that the dashboards and alerts that people already have show this operator as well; what only this
operator has is called exposedapp_*. What can be looked up when somebody asks (depths, ages) is
looked up then; the rest costs a few microseconds per reconcile. No metric carries the name of an
app, of a node or of a namespace: their number must not become the number of series.

Only runtime.py and metrics_server.py import this module. Those who have something to report take
what they call as an argument, a plain callable or a protocol of their own package, and know nothing
of Prometheus:

    queue.py      queue.workers(count)              when the workers start
                  queue.added(key)                  at every add, also of a key that waits
                  queue.started(key)                when a worker takes it
                  queue.ended(key, result)          when the work is over; see ResultLabel
    cluster.py    requests_of(host)(method, code, seconds)
                                                    after each request; code 0: there was no answer
    probe.py      probes.tried(answer)              after each try, with the answer as it is kept
                  probes.state = callable           once; what it returns is asked for at a scrape
    informer.py   watches.seen(plural)              at each event, bookmark and list, and when a
                                                    watch request ends as it should
    reconcile.py  apps.tell(key, conditions)        whenever a status was computed
                  apps.forget(key)                  when the app is gone
"""

import time
from collections import Counter as Counts
from collections.abc import Callable, Hashable, Iterable, Iterator
from urllib.parse import urlsplit

from prometheus_client import Counter, Gauge, Histogram, disable_created_metrics
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector, CollectorRegistry

from exposedapp.api.app import Condition, ConditionStatus
from exposedapp.api.conditions import ReachableReason, Reason
from exposedapp.exposure.probes import ProbeOutcome, ProbeResult
from exposedapp.probing.state import ProbeState
from exposedapp.version import __version__
from exposedapp.workqueue.result import RESULT_LABELS, ResultLabel

NAME = "exposedapp"
"""The controller's name, and that of its queue."""

WORK_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)

REQUEST_BUCKETS = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)

LAG_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

NO_ANSWER = "<error>"
"""What client-go has for the code of a request that was not answered."""

CONDITION_REASONS = frozenset({*Reason, *ReachableReason})

OTHER = "Other"

PROBE_RESULTS = {
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

Clock = Callable[[], float]

Said = tuple[str, ConditionStatus, str]
"""A condition's type, status and reason."""


class Metrics:
    """All of them, in a registry of their own; one for the life of the process."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        # They would double the number of series, and nobody here asks when a counter began.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        self.queue = PrometheusQueueMetrics(self.registry, clock)
        self.apps = AppsByCondition(self.registry)
        self.probes = ProbeMetrics(self.registry)
        self.watches = WatchAges(self.registry, clock)
        self.loop_lag = Histogram(
            "exposedapp_event_loop_lag_seconds",
            "How much later than due the event loop came to a task that only sleeps: "
            "as late is everything else.",
            buckets=LAG_BUCKETS,
            registry=self.registry,
        )
        self._requests = Counter(
            "rest_client_requests_total",
            "Requests to the API server, by the answer's HTTP code (<error>: there was none), "
            "method and host.",
            ["code", "method", "host"],
            registry=self.registry,
        )
        self._request_seconds = Histogram(
            "rest_client_request_duration_seconds",
            "How long a request took, by method (verb) and host; a watch until it began.",
            ["verb", "host"],
            buckets=REQUEST_BUCKETS,
            registry=self.registry,
        )
        Gauge(
            "exposedapp_build_info",
            "Always 1; the labels say what runs.",
            ["version"],
            registry=self.registry,
        ).labels(__version__).set(1)
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)

    def requests_of(self, host: str) -> Callable[[str, int, float], None]:
        """Who is to be told of each request to this API server: its method, code and seconds."""
        host = urlsplit(host).netloc or host
        counts: dict[tuple[str, int], Counter] = {}
        seconds_by: dict[str, Histogram] = {}

        def observe(method: str, code: int, seconds: float) -> None:
            count = counts.get((method, code))
            if count is None:
                said = str(code) if code else NO_ANSWER
                count = counts[method, code] = self._requests.labels(said, method, host)
                seconds_by[method] = self._request_seconds.labels(method, host)
            count.inc()
            seconds_by[method].observe(seconds)

        return observe


class PrometheusQueueMetrics:
    """Of the work queue and of the reconciles, which are what it works on."""

    def __init__(self, registry: CollectorRegistry, clock: Clock) -> None:
        self._clock = clock
        self._waiting: dict[Hashable, float] = {}
        """Since when; the first has waited longest, since none is put in twice."""
        self._working: dict[Hashable, float] = {}

        def gauge(name: str, told: str, labels: dict[str, str], read: Clock | None = None) -> Gauge:
            child = Gauge(name, told, list(labels), registry=registry).labels(**labels)
            if read:
                child.set_function(read)
            return child

        def counter(name: str, told: str, labels: dict[str, str]) -> Counter:
            return Counter(name, told, list(labels), registry=registry).labels(**labels)

        def histogram(name: str, told: str, labels: dict[str, str]) -> Histogram:
            return Histogram(
                name, told, list(labels), buckets=WORK_BUCKETS, registry=registry
            ).labels(**labels)

        reconciler = {"controller": NAME}
        queue = {"name": NAME, "controller": NAME}
        total = Counter(
            "controller_runtime_reconcile_total",
            "Reconciles, by how they ended: success; requeue_after, to look again later; requeue, "
            "something in the way that the app's status tells; error.",
            ["controller", "result"],
            registry=registry,
        )
        self._results = {it: total.labels(NAME, it) for it in RESULT_LABELS if it != "panic"}
        self._errors = counter(
            "controller_runtime_reconcile_errors_total",
            "Reconciles that failed otherwise than by what their app wants: requests that failed, "
            "and errors nobody had thought of.",
            reconciler,
        )
        self._panics = counter(
            "controller_runtime_reconcile_panics_total",
            "Reconciles that ended with an error nobody had thought of: a bug, told in the log.",
            reconciler,
        )
        self._reconcile_seconds = histogram(
            "controller_runtime_reconcile_time_seconds", "How long a reconcile took.", reconciler
        )
        gauge(
            "controller_runtime_active_workers",
            "Reconciles under way.",
            reconciler,
            lambda: len(self._working),
        )
        self._workers = gauge(
            "controller_runtime_max_concurrent_reconciles",
            "Reconciles that can be under way at one time.",
            reconciler,
        )
        gauge("workqueue_depth", "Apps that wait to be reconciled.", queue, self._depth)
        self._adds = counter("workqueue_adds_total", "Apps that were put into the queue.", queue)
        self._retries = counter(
            "workqueue_retries_total",
            "Reconciles after which the app was put into the queue for later.",
            queue,
        )
        self._waited = histogram(
            "workqueue_queue_duration_seconds", "How long an app waited in the queue.", queue
        )
        self._worked = histogram(
            "workqueue_work_duration_seconds", "How long an app was worked on.", queue
        )
        gauge(
            "workqueue_unfinished_work_seconds",
            "How long the reconciles that are under way have taken, added up.",
            queue,
            self._unfinished,
        )
        gauge(
            "workqueue_longest_running_processor_seconds",
            "How long the reconcile that has been under way for longest has taken.",
            queue,
            lambda: self._since(self._working),
        )
        gauge(
            "exposedapp_workqueue_oldest_seconds",
            "How long the app that has waited longest has been in the queue; 0 when none waits.",
            queue,
            lambda: self._since(self._waiting),
        )

    def workers(self, count: int) -> None:
        """So many reconciles can be under way at one time."""
        self._workers.set(count)

    def added(self, key: Hashable) -> None:
        """A key is to be worked on; one that waits already is not counted again."""
        if key not in self._waiting:
            self._waiting[key] = self._clock()
            self._adds.inc()

    def started(self, key: Hashable) -> None:
        """A worker has taken the key."""
        now = self._clock()
        self._working[key] = now
        self._waited.observe(now - self._waiting.pop(key, now))

    def ended(self, key: Hashable, result: ResultLabel) -> None:
        """The work is over."""
        now = self._clock()
        seconds = now - self._working.pop(key, now)
        self._worked.observe(seconds)
        self._reconcile_seconds.observe(seconds)
        if result == "panic":
            self._panics.inc()
            result = "error"
        self._results[result].inc()
        if result == "error":
            self._errors.inc()
        if result != "success":
            self._retries.inc()

    def _depth(self) -> float:
        return len(self._waiting)

    def _unfinished(self) -> float:
        now = self._clock()
        return sum(now - since for since in self._working.values())

    def _since(self, times: dict[Hashable, float]) -> float:
        first = next(iter(times.values()), None)
        return 0.0 if first is None else self._clock() - first


class AppsByCondition(Collector):
    """How many apps there are, by what their conditions say; counted at each change."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._told: dict[Hashable, tuple[Said, ...]] = {}
        self._counts: Counts[Said] = Counts()
        self._same: dict[Said, Said] = {}
        """Each only once in memory: most apps say the same."""
        registry.register(self)

    def tell(self, key: Hashable, conditions: Iterable[Condition]) -> None:
        """These are the app's conditions now."""
        said = tuple([(it.type, it.status, it.reason) for it in conditions])
        if said != self._told.get(key):
            self.forget(key)
            self._told[key] = said = tuple(self._same.setdefault(it, it) for it in said)
            self._counts.update(said)

    def forget(self, key: Hashable) -> None:
        """The app is gone."""
        self._counts.subtract(self._told.pop(key, ()))

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """What Prometheus gets. A group that is empty now stays: in a graph, none is a number."""
        found = GaugeMetricFamily(
            "exposedapp_apps",
            "Apps, by the type, status and reason of a condition that they have.",
            labels=["condition", "status", "reason"],
        )
        bounded: Counts[Said] = Counts()
        for (kind, status, reason), count in self._counts.items():
            bounded[kind, status, reason if reason in CONDITION_REASONS else OTHER] += count
        for labels, count in sorted(bounded.items()):
            found.add_metric(labels, count)
        yield found


class ProbeMetrics:
    """Of the tries of URLs."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.state: Callable[[], ProbeState] = ProbeState
        results = Counter(
            "exposedapp_probe_results_total",
            "Tries of URLs, by what came of them.",
            ["result"],
            registry=registry,
        )
        self._results = {it: results.labels(PROBE_RESULTS[it]) for it in ProbeOutcome}
        for name, told, read in (
            ("targets", "URLs that are tried again and again.", lambda: self.state().targets),
            ("in_flight", "Tries of URLs under way.", lambda: self.state().in_flight),
            (
                "overdue_seconds",
                "How late the next try of a URL is: it grows when there are more URLs than the "
                "rate and the tries at one time allow.",
                lambda: self.state().overdue,
            ),
        ):
            Gauge(f"exposedapp_probe_{name}", told, registry=registry).set_function(read)

    def tried(self, result: ProbeResult) -> None:
        """Count one attempt."""
        self._results[result.outcome].inc()


class WatchAges(Collector):
    """For how long nothing has been heard of each kind of object."""

    def __init__(self, registry: CollectorRegistry, clock: Clock) -> None:
        self._clock = clock
        self._heard: dict[str, float] = {}
        registry.register(self)

    def seen(self, kind: str) -> None:
        """There was an event or an answer; the kind by its plural."""
        self._heard[kind] = self._clock()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """What Prometheus gets."""
        found = GaugeMetricFamily(
            "exposedapp_watch_age_seconds",
            "Time since the API server last said something of this kind of object.",
            labels=["kind"],
        )
        now = self._clock()
        for kind, heard in sorted(self._heard.items()):
            found.add_metric([kind], now - heard)
        yield found
