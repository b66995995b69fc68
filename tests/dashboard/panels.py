# SPDX-License-Identifier: Apache-2.0
"""The panels of the chart's Grafana dashboard, with what a Prometheus server answers.

Called by __main__.py. Variables are replaced as Grafana replaces them, with "All" as the job.
"""

import hashlib
import json
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dashboard.prometheus import Series, Span

Json = dict[str, Any]
Query = Callable[[str, Span], list[Series]]

FILE = Path(__file__).parents[2] / "deploy/chart/exposedapp/files/dashboard.json"

LABEL = re.compile(r"\{\{\s*(\w+)\s*\}\}")


class EmptyPanelError(Exception):
    """A query of the dashboard is answered with nothing."""


@dataclass(frozen=True)
class Line:
    """One series of a panel, and its name in the legend."""

    name: str
    values: list[float]


@dataclass(frozen=True)
class Panel:
    """A panel as the file has it, with its lines; a row has none."""

    body: Json
    lines: list[Line]

    @property
    def kind(self) -> str:
        """The type: row, stat or timeseries."""
        return str(self.body["type"])

    @property
    def title(self) -> str:
        """The text at its top."""
        return str(self.body["title"])

    @property
    def place(self) -> tuple[int, int, int, int]:
        """x, y, width and height, in units of the dashboard's grid."""
        grid = self.body["gridPos"]
        return grid["x"], grid["y"], grid["w"], grid["h"]

    @property
    def defaults(self) -> Json:
        """The settings of all its fields: unit, limits, thresholds."""
        defaults: Json = self.body["fieldConfig"]["defaults"]
        return defaults


def rate_interval(span: Span, scrape_seconds: int) -> int:
    """What Grafana puts in place of $__rate_interval, in seconds."""
    return max(math.ceil(span.step) + scrape_seconds, 4 * scrape_seconds)


def fill_in(expression: str, dashboard: Json, rate_seconds: int) -> str:
    """An expression without Grafana's variables; raises ValueError when there are others."""
    for variable in dashboard["templating"]["list"]:
        if "allValue" in variable:
            expression = expression.replace(f"${variable['name']}", variable["allValue"])
    expression = expression.replace("$__rate_interval", f"{rate_seconds}s")
    if "$" in expression:
        raise ValueError(f"a variable that is not known here: {expression}")
    return expression


def legend(pattern: str, labels: dict[str, str]) -> str:
    """The name of a series by its legendFormat."""
    return LABEL.sub(lambda match: labels.get(match[1], ""), pattern).strip()


def read_panels(dashboard: Json, query: Query, span: Span, scrape_seconds: int) -> list[Panel]:
    """Every panel, and what its queries answer.

    Raises EmptyPanelError when one has no value in all of the span, and what `query` raises.
    """
    rate_seconds = rate_interval(span, scrape_seconds)
    panels = []
    for body in dashboard["panels"]:
        lines: list[Line] = []
        for target in body.get("targets", ()):
            expression = fill_in(target["expr"], dashboard, rate_seconds)
            found_lines = [
                Line(legend(target["legendFormat"], series.labels), series.values)
                for series in query(expression, span)
                if not _is_empty(series)
            ]
            if not found_lines:
                raise EmptyPanelError(f"{body['title']}: no data for {expression}")
            lines += found_lines
        panels.append(Panel(body, lines))
    return panels


def other_expressions(dashboard: Json) -> Iterator[str]:
    """The queries that are not of a panel: annotations, and the values of variables."""
    for annotation in dashboard["annotations"]["list"]:
        yield annotation["expr"]
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            yield variable["definition"].removeprefix("label_values(").partition(",")[0]


def check_other_queries(dashboard: Json, query: Query, span: Span) -> None:
    """Run the queries that are not of a panel; raises as read_panels() does."""
    for expression in other_expressions(dashboard):
        if not query(fill_in(expression, dashboard, 0), span):
            raise EmptyPanelError(f"no data for {expression}")


def digest(text: str) -> str:
    """What tells one state of the dashboard's file from another."""
    return hashlib.sha256(json.dumps(json.loads(text), sort_keys=True).encode()).hexdigest()


def _is_empty(series: Series) -> bool:
    return all(math.isnan(value) for value in series.values)
