# SPDX-License-Identifier: Apache-2.0
"""The benchmark's pure parts."""

import io
import re
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml
from rich.console import Console

from bench import counters
from bench.client import Json
from bench.comparison import compare
from bench.metrics import FLOOR, GO, METRICS, lines, spread
from bench.operators import subjects
from bench.stats import percentile
from bench.table import render, warnings

ROOT = Path(__file__).parents[3]
CHART = ROOT / "deploy" / "chart" / "exposedapp"


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
    assert line.ratios[FLOOR] == {"operator": pytest.approx(seconds / 2)}


@pytest.mark.parametrize(("seconds", "met"), [(2.0, True), (2.1, False)])
def test_a_time_is_held_against_go(seconds: float, met: bool) -> None:
    """Slower than Go is too slow, also where the floor's goal (1.25 × 2.0) is met."""
    values = report(floor=[2.0], go=[2.0], operator=[seconds])["values"]
    (line,) = lines(values, "default")
    assert line.met is met
    assert line.goal == "≤ 1.25 × floor, ≤ 1 × Go"
    assert line.ratios[GO] == {"operator": pytest.approx(seconds / 2)}


def test_go_is_held_against_the_floor() -> None:
    (line,) = lines(report(floor=[2.0], go=[3.0])["values"], "default")
    assert line.ratios[FLOOR] == {"go": pytest.approx(1.5)}
    assert line.met is None


def test_a_goal_without_its_baseline_is_not_shown() -> None:
    (line,) = lines(report(floor=[2.0], operator=[2.4])["values"], "default")
    assert line.goal == "≤ 1.25 × floor"
    assert GO not in line.ratios


@pytest.mark.parametrize(
    ("rounds", "expected"), [([9.0, 10.0, 12.0], 0.15), ([5.0], 0), ([0.0, 0.0], 0)]
)
def test_a_spread_is_half_of_what_lies_between(rounds: list[float], expected: float) -> None:
    assert spread(rounds) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("before", "after", "is_worse"),
    [
        ([2.0, 2.0], [2.08, 2.08], False),  # within 5 %
        ([2.0, 2.0], [2.2, 2.2], True),
        ([1.8, 2.2], [2.15, 2.15], False),  # within the spread of the last run
        ([2.0, 2.0], [1.95, 2.45], False),  # within the spread of this one
        ([2.0], [2.4], False),  # one round has no spread
        ([2.0], [2.6], True),
        ([2.0, 2.0], [1.0, 1.0], False),
    ],
)
def test_what_is_worse_by_more_than_its_spread_is_reported(
    before: list[float], after: list[float], is_worse: bool
) -> None:
    """Of times, what counts is the ratio to the floor: here the machine is twice as slow."""
    last = report(floor=[1.0, 1.0], operator=before)
    now = report(floor=[2.0, 2.0], operator=[2 * value for value in after])
    title, *worse = compare([report(operator=[0.1]), last], now)
    assert last["commit"] in title
    assert bool(worse) is is_worse


def test_writes_are_compared_as_they_are() -> None:
    last, now = report(), report()
    last["values"] = {"operator": {"restart.writes": [0.0], "flip.apps": [500.0]}}
    now["values"] = {"operator": {"restart.writes": [1.0], "flip.apps": [700.0]}}
    assert compare([last], now)[1:] == ["  worse: restart: writes: 0 → 1"]


def test_a_run_is_compared_with_one_of_its_size() -> None:
    last, now = report(operator=[2.0]), report(operator=[9.0])
    last["size"] = {**last["size"], "apps": 400}
    assert compare([last], now) == []


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
    results = report(floor=[2.0, 2.0], go=[2.5, 2.5], operator=[2.2, 2.4])
    output = io.StringIO()
    titles = {"floor": "floor", "go": "Go", "operator": "this operator"}
    Console(file=output, width=160).print(
        render(results, lines(results["values"], "default"), titles, ["compared"])
    )
    ratios = ("1.25", "1.15", "0.92")
    goals = ("≤ 1.25 × floor, ≤ 1 × Go", "met")
    for words in ("abcdef0", "2.30 s ±4%", *ratios, *goals, "APPLY services 1", "compared"):
        assert words in output.getvalue()


def test_a_busy_machine_is_told_of() -> None:
    results = report(floor=[2.0, 3.0])
    results["machine"]["load_before"] = 7.5
    assert len(warnings(results)) == 2
    assert warnings(report(floor=[2.0, 2.1])) == []


def test_the_operator_in_go_has_the_fields_of_the_definition() -> None:
    """A field that it names otherwise would be dropped by the API server, and cost it nothing."""
    source = (ROOT / "tests" / "bench" / "go-operator" / "types.go").read_text()
    definition = yaml.safe_load((CHART / "files" / "crd.yaml").read_text())
    schema = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]
    spec, status = (schema[part]["properties"] for part in ("spec", "status"))
    for name, known in {
        "ExposedAppSpec": spec,
        "AppPort": spec["ports"]["items"]["properties"],
        "AppNodes": spec["nodes"]["properties"],
        "ExposedAppStatus": status,
        "NodeCounts": status["nodes"]["properties"],
        "PortStatus": status["ports"]["items"]["properties"],
    }.items():
        fields = re.search(rf"^type {name} struct {{(.*?)^}}", source, re.MULTILINE | re.DOTALL)
        assert fields, name
        names = set(re.findall(r'`json:"(\w+)', fields[1]))
        assert names, name
        assert names <= set(known), name


def test_every_subject_that_is_a_module_can_be_found() -> None:
    """A subject is started by the name of its module, which no import checks."""
    commands = [subject.command for subject in subjects().values()]
    modules = [command[command.index("-m") + 1] for command in commands if "-m" in command]
    assert len(modules) == 3
    for module in modules:
        assert find_spec(module), module
