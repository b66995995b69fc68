# SPDX-License-Identifier: Apache-2.0
"""The benchmark's pure parts."""

import io
from importlib.util import find_spec

import pytest
from rich.console import Console

from bench import counters
from bench.client import Json
from bench.metrics import METRICS, lines
from bench.operators import subjects
from bench.stats import percentile
from bench.table import render, warnings


def counted(verb: str, resource: str, value: str, code: int = 200) -> str:
    """A line as the API server reports it."""
    name, _, sub = resource.partition("/")
    return (
        f'apiserver_request_total{{code="{code}",component="apiserver",dry_run="",group="g",'
        f'resource="{name}",scope="resource",subresource="{sub}",verb="{verb}",version="v1"}} '
        f"{value}\n"
    )


COUNTED = "# TYPE apiserver_request_total counter\n" + "".join(
    (
        counted("POST", "deployments", "3", 201),
        counted("APPLY", "deployments", "2"),
        counted("APPLY", "deployments", "1", 409),
        counted("PUT", "deployments/status", "9"),
        counted("LIST", "deployments", "9"),
        counted("PATCH", "exposedapps/status", "1.5e+01"),
        counted("POST", "exposedapps", "9", 201),
        counted("PUT", "leases", "9"),
        counted("POST", "events", "4", 201),
    )
)


def test_the_writes_of_an_operator_are_counted_and_no_others() -> None:
    assert counters.parse(COUNTED) == {
        "POST deployments": 3,
        "APPLY deployments": 2,
        "APPLY deployments 409": 1,
        "PATCH exposedapps/status": 15,
        "POST events": 4,
    }


def test_events_are_counted_apart() -> None:
    written = counters.since({"POST deployments": 1}, counters.parse(COUNTED))
    assert counters.total(written) == 2 + 2 + 1 + 15
    assert counters.events(written) == 4


def test_what_has_not_changed_was_not_written() -> None:
    counts = counters.parse(COUNTED)
    assert counters.since(counts, counts) == {}


@pytest.mark.parametrize(("percent", "expected"), [(50, 50), (99, 99), (100, 100), (0.1, 1)])
def test_a_percentile_is_a_value_that_was_measured(percent: float, expected: float) -> None:
    assert percentile(list(range(100, 0, -1)), percent) == expected


def report(**values: list[float]) -> Json:
    return {
        "date": "2026-11-21T10:00:00Z",
        "commit": "abcdef0",
        "machine": {
            "cores": 2,
            "cpu": "CPU",
            "memory_gib": 8,
            "kernel": "6.1",
            "kubernetes": "v1.36.3",
            "python": "3.11",
            "nodes": 53,
            "load_before": 0.1,
        },
        "size": {"name": "default", "apps": 500, "nodes": 50},
        "repeat": 2,
        "values": {name: {"storm.seconds": them} for name, them in values.items()},
        "writes": {"operator": {"storm": {"APPLY services": 1.0, "APPLY events": 3.0}}},
        "failures": [],
    }


@pytest.mark.parametrize(("seconds", "met"), [(2.4, True), (2.6, False)])
def test_a_time_is_held_against_the_floor(seconds: float, met: bool) -> None:
    (line,) = lines(report(floor=[1.8, 2.2], operator=[seconds])["values"], "default")
    assert line.met is met
    assert line.ratios == {"operator": pytest.approx(seconds / 2)}


def test_without_the_floor_nothing_is_claimed() -> None:
    (line,) = lines(report(operator=[2.4])["values"], "default")
    assert line.met is None
    assert line.ratios == {}


def test_a_goal_of_nothing_is_met_by_nothing() -> None:
    (line,) = lines({"operator": {"restart.writes": [0.0]}}, "default")
    assert line.goal == "0"
    assert line.met is True


def test_a_goal_of_a_size_is_none_of_another() -> None:
    values = {"operator": {"flip.writes": [500.0]}}
    (line,) = lines(values, "default")
    assert (line.goal, line.met) == ("", None)
    (line,) = lines(values, "large")
    assert line.met is False


def test_every_metric_has_its_own_key() -> None:
    assert len({metric.key for metric in METRICS}) == len(METRICS)


def test_the_table_says_all_of_it() -> None:
    results = report(floor=[2.0, 2.0], operator=[2.2, 2.4])
    output = io.StringIO()
    titles = {"floor": "floor", "operator": "this operator"}
    Console(file=output, width=160).print(
        render(results, lines(results["values"], "default"), titles)
    )
    for words in ("abcdef0", "2.30 s", "1.15", "≤ 1.25 × floor", "met", "APPLY services 1"):
        assert words in output.getvalue()


def test_a_busy_machine_is_told_of() -> None:
    results = report(floor=[2.0, 3.0])
    results["machine"]["load_before"] = 7.5
    assert len(warnings(results)) == 2
    assert warnings(report(floor=[2.0, 2.1])) == []


def test_every_subject_that_is_a_module_can_be_found() -> None:
    """A subject is started by the name of its module, which no import checks."""
    commands = [subject.command for subject in subjects().values()]
    modules = [command[command.index("-m") + 1] for command in commands if "-m" in command]
    assert len(modules) == 3
    for module in modules:
        assert find_spec(module), module
