# SPDX-License-Identifier: Apache-2.0
"""What is measured: hooks are called as their users will, and what Prometheus gets is read."""

import re
from pathlib import Path

import pytest

import exposedapp
from exposedapp.admission.results import ReviewResult
from exposedapp.api.app import Condition
from exposedapp.api.conditions import ReachableReason, Reason
from exposedapp.exposure.probes import ProbeOutcome, ProbeResult
from exposedapp.kube.resources import NODES, SERVICES
from exposedapp.kube.scope import Scope
from exposedapp.probing.state import ProbeState
from exposedapp.telemetry.admission_metrics import RESULTS
from exposedapp.telemetry.app_metrics import KNOWN_REASONS
from exposedapp.telemetry.metrics import Metrics
from exposedapp.workqueue.metrics import NoopQueueMetrics, QueueMetrics

SOURCES = Path(exposedapp.__file__).parent


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def metrics(clock: Clock) -> Metrics:
    return Metrics(clock)


QUEUE = {"name": "exposedapp", "controller": "exposedapp"}
CONTROLLER = {"controller": "exposedapp"}


def value(metrics: Metrics, name: str, /, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, labels)


def condition(kind: str, status: str, reason: str) -> Condition:
    return Condition(
        type=kind,
        status=status,
        reason=reason,
        message="",
        observed_generation=1,
        last_transition_time="2026-01-01T00:00:00Z",
    )


def apps(metrics: Metrics, *labels: str) -> float | None:
    named = dict(zip(("condition", "status", "reason"), labels, strict=True))
    return value(metrics, "exposedapp_apps", **named)


def test_an_app_in_the_queue_and_out_of_it(metrics: Metrics, clock: Clock) -> None:
    queue = metrics.queue
    queue.workers(32)
    queue.added("a")
    clock.now += 2
    queue.added("b")
    queue.added("a")  # it waits already
    assert value(metrics, "workqueue_depth", **QUEUE) == 2
    assert value(metrics, "workqueue_adds_total", **QUEUE) == 2
    assert value(metrics, "exposedapp_workqueue_oldest_seconds", **QUEUE) == 2
    queue.started("a")
    clock.now += 3
    assert value(metrics, "exposedapp_workqueue_oldest_seconds", **QUEUE) == 3
    assert value(metrics, "workqueue_queue_duration_seconds_sum", **QUEUE) == 2
    assert value(metrics, "controller_runtime_active_workers", **CONTROLLER) == 1
    assert value(metrics, "controller_runtime_max_concurrent_reconciles", **CONTROLLER) == 32
    assert value(metrics, "workqueue_longest_running_processor_seconds", **QUEUE) == 3
    queue.started("b")
    clock.now += 1
    assert value(metrics, "workqueue_unfinished_work_seconds", **QUEUE) == 5
    queue.ended("a", "success")
    assert value(metrics, "workqueue_longest_running_processor_seconds", **QUEUE) == 1
    assert value(metrics, "workqueue_work_duration_seconds_sum", **QUEUE) == 4
    assert value(metrics, "controller_runtime_reconcile_time_seconds_sum", **CONTROLLER) == 4
    queue.ended("b", "success")
    assert value(metrics, "workqueue_unfinished_work_seconds", **QUEUE) == 0
    assert value(metrics, "exposedapp_workqueue_oldest_seconds", **QUEUE) == 0


def test_a_key_that_comes_back_while_it_is_worked_on_waits_too(metrics: Metrics) -> None:
    metrics.queue.added("a")
    metrics.queue.started("a")
    metrics.queue.added("a")
    assert value(metrics, "workqueue_depth", **QUEUE) == 1
    metrics.queue.ended("a", "success")
    metrics.queue.added("a")  # as a queue may do that keeps such keys apart
    assert value(metrics, "workqueue_adds_total", **QUEUE) == 2


@pytest.mark.parametrize(
    ("result", "label", "errors", "panics", "retries"),
    [
        ("success", "success", 0, 0, 0),
        ("requeue_after", "requeue_after", 0, 0, 1),
        ("requeue", "requeue", 0, 0, 1),
        ("error", "error", 1, 0, 1),
        ("panic", "error", 1, 1, 1),
    ],
)
def test_how_a_reconcile_ended(
    metrics: Metrics, result: str, label: str, errors: int, panics: int, retries: int
) -> None:
    metrics.queue.started("a")
    metrics.queue.ended("a", result)  # type: ignore[arg-type]
    total = "controller_runtime_reconcile_total"
    assert value(metrics, total, result=label, **CONTROLLER) == 1
    reconcile = "controller_runtime_reconcile"
    assert value(metrics, f"{reconcile}_errors_total", **CONTROLLER) == errors
    assert value(metrics, f"{reconcile}_panics_total", **CONTROLLER) == panics
    assert value(metrics, "workqueue_retries_total", **QUEUE) == retries


def test_a_queue_takes_these_hooks_or_none(metrics: Metrics) -> None:
    hooks: list[QueueMetrics] = [metrics.queue, NoopQueueMetrics()]
    for queue in hooks:
        queue.workers(1)
        queue.added("a")
        queue.started("a")
        queue.ended("a", "success")


def test_apps_move_from_group_to_group(metrics: Metrics) -> None:
    new = [condition("Ready", "False", "Progressing"), condition("Reconciling", "True", "x")]
    good = [condition("Ready", "True", "Available")]
    metrics.apps.observe("a", new)
    metrics.apps.observe("b", good)
    metrics.apps.observe("b", good)
    assert apps(metrics, "Ready", "False", "Progressing") == 1
    assert apps(metrics, "Ready", "True", "Available") == 1
    metrics.apps.observe("a", good)
    assert apps(metrics, "Ready", "False", "Progressing") == 0
    assert apps(metrics, "Ready", "True", "Available") == 2
    metrics.apps.forget("a")
    metrics.apps.forget("a")
    metrics.apps.forget("never seen")
    assert apps(metrics, "Ready", "True", "Available") == 1


def test_a_reason_that_nobody_knows_is_no_new_series(metrics: Metrics) -> None:
    for number in range(3):
        metrics.apps.observe(number, [condition("Ready", "False", f"Reason{number}")])
    assert apps(metrics, "Ready", "False", "Other") == 3
    assert apps(metrics, "Ready", "False", "Reason1") is None


def test_every_reason_in_the_code_is_known() -> None:
    assert {*Reason, *ReachableReason} == KNOWN_REASONS
    text = "".join(path.read_text() for path in (SOURCES / "status").glob("*.py"))
    text += (SOURCES / "exposure" / "reachability.py").read_text()
    written = re.findall(r'(?:Reachability|ConditionValue)\(\s*"\w+",\s*([^\s,]+),', text)
    assert {"ReachableReason.ANSWERS", "Reason.AVAILABLE"} <= set(written)
    assert [
        word for word in written if not re.fullmatch(r"\w*Reason\.[A-Z_]+|[\w.]+\.reason", word)
    ] == []


@pytest.mark.parametrize(
    ("outcome", "label"),
    [
        (ProbeOutcome.ANSWERED, "ok"),
        (ProbeOutcome.REFUSED, "refused"),
        (ProbeOutcome.TIMED_OUT, "timeout"),
        (ProbeOutcome.UNKNOWN_HOST, "unknown_host"),
        (ProbeOutcome.NO_ROUTE, "no_route"),
        (ProbeOutcome.CLOSED, "closed"),
        (ProbeOutcome.NO_TLS, "tls"),
        (ProbeOutcome.NOT_HTTP, "not_http"),
        (ProbeOutcome.HTTP_ERROR, "http_status"),
        (ProbeOutcome.NO_CONNECTION, "other"),
        (ProbeOutcome.NOT_ATTEMPTED, "other"),
    ],
)
def test_tries(metrics: Metrics, outcome: ProbeOutcome, label: str) -> None:
    metrics.probes.tried(ProbeResult(outcome, 503))
    assert value(metrics, "exposedapp_probe_results_total", result=label) == 1


def test_the_prober_is_asked_at_each_scrape(metrics: Metrics) -> None:
    assert value(metrics, "exposedapp_probe_targets") == 0
    metrics.probes.state = lambda: ProbeState(targets=7, in_flight=2, overdue=1.5)
    assert value(metrics, "exposedapp_probe_targets") == 7
    assert value(metrics, "exposedapp_probe_in_flight") == 2
    assert value(metrics, "exposedapp_probe_overdue_seconds") == 1.5


def test_requests(metrics: Metrics) -> None:
    observe = metrics.requests_of("https://10.96.0.1:443")
    observe("GET", 200, 0.25)
    observe("GET", 200, 0.25)
    observe("PATCH", 0, 30.0)
    host = "10.96.0.1:443"
    total = "rest_client_requests_total"
    assert value(metrics, total, code="200", method="GET", host=host) == 2
    assert value(metrics, total, code="<error>", method="PATCH", host=host) == 1
    seconds = "rest_client_request_duration_seconds_sum"
    assert value(metrics, seconds, verb="GET", host=host) == 0.5
    metrics.requests_of("https://10.96.0.1:443")("GET", 200, 0.0)  # after a restart of kopf
    assert value(metrics, total, code="200", method="GET", host=host) == 3


def test_watches_age_until_something_is_heard(metrics: Metrics, clock: Clock) -> None:
    metrics.watches.seen(NODES)
    clock.now += 5
    metrics.watches.seen(SERVICES)
    assert value(metrics, "exposedapp_watch_age_seconds", kind="nodes") == 5
    assert value(metrics, "exposedapp_watch_age_seconds", kind="services") == 0


def test_a_kind_is_as_old_as_its_oldest_watch(metrics: Metrics, clock: Clock) -> None:
    """Namespaces are no label: their number must not become the number of series."""
    first, second = Scope(("a", "b")).limit(SERVICES)
    metrics.watches.seen(first)
    clock.now += 5
    metrics.watches.seen(second)
    assert value(metrics, "exposedapp_watch_age_seconds", kind="services") == 5
    assert metrics.watches.ages() == {first: 5, second: 0}


def test_every_result_of_a_review_is_counted(metrics: Metrics) -> None:
    assert set(RESULTS) == set(ReviewResult)
    for result in ReviewResult:
        metrics.admission.reviewed(result, 0.5)
        assert value(metrics, "exposedapp_admission_requests_total", result=result) == 1
    assert value(metrics, "exposedapp_admission_duration_seconds_sum") == 0.5 * len(RESULTS)
