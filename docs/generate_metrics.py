# SPDX-License-Identifier: Apache-2.0
"""Writes the table in docs/metrics.md of every metric of the operator.

python docs/generate_metrics.py --sample   prints what Prometheus gets
"""

import sys
from collections.abc import Iterator

from prometheus_client import generate_latest
from prometheus_client.metrics_core import Metric

from exposedapp.api.app import Condition
from exposedapp.exposure.probes import ProbeOutcome, ProbeResult
from exposedapp.kube.resources import NODES
from exposedapp.telemetry.metrics import Metrics
from generated_page import ROOT, replace_part, update

BEGIN, END = "<!-- begin: `make generate` writes this table -->", "<!-- end -->"
LIBRARY = ("process_", "python_")
"""What prometheus-client measures of any program in Python; which of it depends on the system."""
HISTOGRAM_LABEL = "le"
HEADER = ["| Metric | Type | Labels | Meaning |", "|---|---|---|---|"]


def sample() -> Metrics:
    """The metrics, with a value in each."""
    metrics = Metrics()
    condition = Condition(
        type="Ready",
        status="True",
        reason="Available",
        message="",
        observed_generation=1,
        last_transition_time="",
    )
    metrics.queue.workers(32)
    for key in ("default/a", "default/b"):
        metrics.queue.added(key)
        metrics.queue.started(key)
        metrics.apps.observe(key, [condition])
    metrics.queue.ended("default/a", "success")
    observe = metrics.requests_of("https://10.96.0.1:443")
    observe("GET", 200, 0.01)
    observe("PATCH", 0, 30.0)
    metrics.probes.tried(ProbeResult(ProbeOutcome.ANSWERED))
    metrics.watches.seen(NODES)
    metrics.loop_lag.observe(0.001)
    return metrics


def labels(family: Metric) -> list[str]:
    """The names of its labels, in the order in which they were given."""
    names = dict.fromkeys(name for sample in family.samples for name in sample.labels)
    return [name for name in names if name != HISTOGRAM_LABEL]


def rows(metrics: Metrics) -> Iterator[str]:
    """A line of the table for each metric that is the operator's own."""
    for family in sorted(metrics.registry.collect(), key=lambda family: family.name):
        if family.name.startswith(LIBRARY):
            continue
        name = f"{family.name}_total" if family.type == "counter" else family.name
        names = ", ".join(f"`{label}`" for label in labels(family))
        text = family.documentation.replace("<error>", "`<error>`")
        yield f"| `{name}` | {family.type} | {names} | {text} |"


def page(old: str) -> str:
    """The page with a new table."""
    return replace_part(old, BEGIN, END, [*HEADER, *rows(sample())])


if __name__ == "__main__":
    if sys.argv[1:] == ["--sample"]:
        sys.stdout.write(generate_latest(sample().registry).decode())
    else:
        update(ROOT / "docs" / "metrics.md", page)
