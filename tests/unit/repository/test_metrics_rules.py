# SPDX-License-Identifier: Apache-2.0
"""Alerts, dashboard and page: promtool agrees, and no metric is named there that does not exist."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[3]
FILES = ROOT / "deploy" / "chart" / "exposedapp" / "files"
ALERTS = FILES / "alerts.yaml"
DASHBOARD: dict[str, Any] = json.loads((FILES / "dashboard.json").read_text())
RULES: list[dict[str, Any]] = [
    rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]
]
RULE_TESTS = ROOT / "tests" / "unit" / "repository" / "prometheus" / "alerts.yaml"

FUNCTIONS = frozenset(
    {"absent", "changes", "histogram_quantile", "increase", "label_values", "max", "rate", "sum"}
)
WORDS = FUNCTIONS | {"and", "by", "job", "on", "or", "without"}
"""Of PromQL, and of the dashboard's variables: names in expressions that are no metrics."""

GROUPED = re.compile(r"\b(?:by|on|without)\s*\([^)]*\)")
DURATION = re.compile(r"\[[^]]*\]")
SELECTED = re.compile(r"\{[^}]*\}")
QUOTED = re.compile(r'"[^"]*"')
NAME = re.compile(r"(?<![\w$.])[a-zA-Z_]\w*")


@cache
def promtool() -> Path:
    program = ROOT / "build" / "bin" / "promtool"
    if not program.exists():
        pytest.fail("There is no build/bin/promtool: run tests/kind/promtool.sh.")
    return program


@cache
def sample() -> str:
    done = subprocess.run(
        [sys.executable, ROOT / "docs" / "generate_metrics.py", "--sample"],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT / "operator")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def check(*arguments: str | Path, given: str | None = None) -> None:
    done = subprocess.run(
        [promtool(), *arguments], input=given, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def names_in(expression: str) -> set[str]:
    """The metrics that a PromQL expression reads."""
    for other in (QUOTED, SELECTED, GROUPED, DURATION):
        expression = other.sub(" ", expression)
    return set(NAME.findall(expression)) - WORDS


def panels() -> list[dict[str, Any]]:
    return [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]


def expressions() -> Iterator[tuple[str, str]]:
    for rule in RULES:
        yield rule["alert"], rule["expr"]
    for panel in panels():
        for target in panel["targets"]:
            yield panel["title"], target["expr"]
    for annotation in DASHBOARD["annotations"]["list"]:
        yield annotation["name"], annotation["expr"]
    for variable in DASHBOARD["templating"]["list"]:
        if variable["type"] == "query":
            yield variable["name"], variable["definition"]


def test_promtool_takes_the_rules() -> None:
    check("check", "rules", "--lint=all", "--lint-fatal", ALERTS)


def test_promtool_takes_the_expressions_of_the_dashboard(tmp_path: Path) -> None:
    """Written as rules, with values for Grafana's variables."""
    rules = [
        {
            "record": f"dashboard:expression_{number}",
            "expr": target["expr"].replace("$job", "some").replace("$__rate_interval", "5m"),
        }
        for number, target in enumerate(target for panel in panels() for target in panel["targets"])
    ]
    file = tmp_path / "rules.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    check("check", "rules", "--lint=none", file)


def test_alerts_fire_when_they_should() -> None:
    check("test", "rules", RULE_TESTS)


def test_every_alert_is_seen_to_fire() -> None:
    tests = yaml.safe_load(RULE_TESTS.read_text())["tests"]
    fired = {
        rule_test["alertname"]
        for test in tests
        for rule_test in test["alert_rule_test"]
        if rule_test["exp_alerts"]
    }
    assert fired == {rule["alert"] for rule in RULES}


def test_promtool_takes_the_metrics() -> None:
    """All of them: also the names of controller-runtime keep to what it asks for."""
    check("check", "metrics", given=sample())


@pytest.mark.parametrize(
    ("expression", "metrics"),
    [
        ('sum by (job) (rate(a_total{b="c"}[5m])) / on (d) e > 0.1', {"a_total", "e"}),
        ("histogram_quantile(0.99, sum by (le) (rate(a_bucket[$__rate_interval])))", {"a_bucket"}),
        ('max(a{name="b",job=~"$job"}) > 1e3 or c', {"a", "c"}),
    ],
)
def test_what_an_expression_reads(expression: str, metrics: set[str]) -> None:
    assert names_in(expression) == metrics


@pytest.mark.parametrize(("where", "expression"), list(expressions()))
def test_every_metric_that_is_read_exists(where: str, expression: str) -> None:
    there = set(re.findall(r"^(\w+)[{ ]", sample(), re.MULTILINE))
    read = names_in(expression)
    assert read
    assert read <= there


@pytest.mark.parametrize(("where", "expression"), list(expressions()))
def test_no_other_program_is_read(where: str, expression: str) -> None:
    """Other programs have some of these metrics too, and the dashboard shows all jobs at first."""
    if not all(name.startswith("exposedapp_") for name in names_in(expression)):
        assert '="exposedapp"' in expression or "exposedapp_build_info" in expression


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule["alert"]))
def test_every_alert_says_what_to_do(rule: dict[str, Any]) -> None:
    page = (ROOT / "docs" / "metrics.md").read_text()
    assert rule["labels"]["severity"] in {"warning", "critical"}
    assert rule["annotations"].keys() == {"summary", "description", "runbook_url"}
    assert rule["annotations"]["runbook_url"] == f"docs/metrics.md#{rule['alert'].lower()}"
    assert f"\n### {rule['alert']}\n" in page


def test_the_page_has_no_alert_that_does_not_exist() -> None:
    page = (ROOT / "docs" / "metrics.md").read_text()
    assert re.findall(r"^### (\w+)$", page, re.MULTILINE) == [rule["alert"] for rule in RULES]


def test_the_dashboard_is_whole() -> None:
    rows = [panel["title"] for panel in DASHBOARD["panels"] if panel["type"] == "row"]
    parts = ["Apps", "Reconciling", "Queue", "API server", "Probing", "Process", "Admission"]
    assert rows == parts
    identities = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(identities) == len(set(identities))
    for panel in panels():
        assert panel["datasource"]["uid"] == "${datasource}"
        assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]
        references = [target["refId"] for target in panel["targets"]]
        assert len(references) == len(set(references)) > 0


def test_no_panel_of_the_dashboard_covers_another() -> None:
    places = [(panel["title"], panel["gridPos"]) for panel in DASHBOARD["panels"]]
    for title, place in places:
        assert place["x"] >= 0, title
        assert place["x"] + place["w"] <= 24, title
    for (one, a), (other, b) in combinations(places, 2):
        apart = (
            a["x"] + a["w"] <= b["x"]
            or b["x"] + b["w"] <= a["x"]
            or a["y"] + a["h"] <= b["y"]
            or b["y"] + b["h"] <= a["y"]
        )
        assert apart, (one, other)


def test_every_metric_of_the_operator_is_shown_or_told() -> None:
    """The dashboard shows all of them, but those that are others in another form."""
    shown = set().union(*(names_in(expression) for _, expression in expressions()))
    shown = {re.sub(r"_(bucket|sum|count)$", "", name) for name in shown}
    there = set(re.findall(r"^# TYPE (\w+)", sample(), re.MULTILINE))
    own = {name for name in there if not name.startswith(("process_", "python_"))}
    assert own - shown == {"workqueue_unfinished_work_seconds", "workqueue_work_duration_seconds"}
