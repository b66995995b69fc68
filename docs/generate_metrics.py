"""Writes the part of metrics.md that is generated: every metric of the operator in a table.

python docs/generate_metrics.py            rewrites docs/metrics.md between its two marks
python docs/generate_metrics.py --check    fails when that would change it
python docs/generate_metrics.py --sample   prints what Prometheus gets
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from prometheus_client import generate_latest
from prometheus_client.metrics_core import Metric

from exposedapp.api.app import Condition
from exposedapp.exposure.probes import ProbeOutcome, ProbeResult
from exposedapp.telemetry.metrics import Metrics

PAGE = Path(__file__).with_name("metrics.md")
BEGIN, END = "<!-- begin: `make generate` writes this table -->", "<!-- end -->"
LIBRARY = ("process_", "python_")
"""What prometheus-client measures of any program in Python; which of it depends on the system."""
OF_HISTOGRAMS = "le"


def sample() -> Metrics:
    """The metrics, with something to see in each."""
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
        metrics.apps.tell(key, [condition])
    metrics.queue.ended("default/a", "success")
    observe = metrics.requests_of("https://10.96.0.1:443")
    observe("GET", 200, 0.01)
    observe("PATCH", 0, 30.0)
    metrics.probes.tried(ProbeResult(ProbeOutcome.ANSWERED))
    metrics.watches.seen("nodes")
    metrics.loop_lag.observe(0.001)
    return metrics


def labels(family: Metric) -> list[str]:
    """The names of its labels, in the order in which they were given."""
    found = dict.fromkeys(name for it in family.samples for name in it.labels)
    return [name for name in found if name != OF_HISTOGRAMS]


def rows(metrics: Metrics) -> Iterator[str]:
    """A line of the table for each metric that is the operator's own."""
    for family in sorted(metrics.registry.collect(), key=lambda it: it.name):
        if family.name.startswith(LIBRARY):
            continue
        name = f"{family.name}_total" if family.type == "counter" else family.name
        named = ", ".join(f"`{it}`" for it in labels(family))
        told = family.documentation.replace("<error>", "`<error>`")
        yield f"| `{name}` | {family.type} | {named} | {told} |"


def page(now: str) -> str:
    """The page with a new table."""
    before, _, rest = now.partition(BEGIN)
    _, _, after = rest.partition(END)
    table = ["| Metric | Type | Labels | Meaning |", "|---|---|---|---|", *rows(sample())]
    return "\n".join([before + BEGIN, *table, END + after])


def main(arguments: list[str]) -> None:
    """Does what the arguments ask for."""
    if arguments == ["--sample"]:
        sys.stdout.write(generate_latest(sample().registry).decode())
        return
    now = PAGE.read_text()
    new = page(now)
    if arguments != ["--check"]:
        PAGE.write_text(new)
    elif new != now:
        sys.exit("docs/metrics.md is out of date: run make generate")


if __name__ == "__main__":
    main(sys.argv[1:])
