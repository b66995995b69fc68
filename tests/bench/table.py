# SPDX-License-Identifier: Apache-2.0
"""The table that is printed: metrics down, subjects across, ratios to the baselines, goals."""

from collections.abc import Mapping, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bench.client import Json
from bench.counters import is_event
from bench.machine import is_busy
from bench.metrics import BASELINES, FLOOR, Line

WIDTH = 190
"""Of a table that goes into a file."""


def render(
    report: Json, lines: Sequence[Line], titles: Mapping[str, str], comparison: Sequence[str] = ()
) -> RenderableType:
    """The whole report; the comparison is with an earlier run, in words."""
    return Group(
        Text(heading(report), style="bold"),
        _measurements(lines, titles),
        _writes(report["writes"], titles),
        *(Text(item) for item in comparison),
        *(Text(f"FAILED {item}", style="red") for item in report["failures"]),
        *(Text(item, style="yellow") for item in warnings(report)),
    )


def heading(report: Json) -> str:
    """When, what and where."""
    machine, size = report["machine"], report["size"]
    return (
        f"{report['date']}, commit {report['commit']}: {size['apps']} apps, "
        f"{machine['nodes']} nodes "
        f"({size['nodes']} of them fake), median of {report['repeat']} "
        "(± half the distance of the lowest and the highest value)\n"
        f"{machine['cores']} cores {machine['cpu']}, {machine['memory_gib']} GiB, "
        f"Linux {machine['kernel']}, "
        f"Kubernetes {machine['kubernetes']}, Python {machine['python']}, "
        f"load before {machine['load_before']}"
    )


def warnings(report: Json) -> list[str]:
    """What makes the numbers doubtful."""
    texts, load = [], report["machine"]["load_before"]
    if is_busy(load, report["machine"]["cores"]):
        texts.append(f"The machine was busy (load {load}): times are too long, ratios are shaky.")
    floors = report["values"].get(FLOOR, {}).get("storm.seconds", [])
    if floors and max(floors) > 1.25 * min(floors):
        texts.append(
            f"The floor's own storms took {min(floors):.2f} to {max(floors):.2f} s: "
            "the machine was not the same all the time."
        )
    return texts


def _measurements(lines: Sequence[Line], titles: Mapping[str, str]) -> Table:
    names = [item for item in titles if any(item in line.values for line in lines)]
    table = Table()
    compared = {name: _baselines(name, names) for name in names}
    table.add_column("")
    for name in names:
        table.add_column(titles[name], justify="right")
        for baseline in compared[name]:
            table.add_column(f"× {BASELINES[baseline]}", justify="right")
    table.add_column("goal")
    table.add_column("")
    for line in lines:
        cells = []
        for name in names:
            cells.append(_value(line, name))
            cells += [_ratio(line, name, baseline) for baseline in compared[name]]
        met = {True: Text("met", "green"), False: Text("missed", "red"), None: Text()}[line.met]
        table.add_row(line.metric.title, *cells, line.goal, met)
    return table


def _baselines(name: str, names: Sequence[str]) -> list[str]:
    """Those that a subject is compared with: the floor with none."""
    if name == FLOOR:
        return []
    return [baseline for baseline in BASELINES if baseline in names and baseline != name]


def _value(line: Line, name: str) -> str:
    if name not in line.values:
        return "–"
    value = f"{line.values[name]:.{line.metric.digits}f} {line.metric.unit}".strip()
    spread = line.spreads.get(name)
    return f"{value} ±{spread:.0%}" if spread else value


def _ratio(line: Line, name: str, baseline: str) -> str:
    ratio = line.ratios.get(baseline, {}).get(name)
    return "" if ratio is None else f"{ratio:.2f}"


def _writes(
    writes: Mapping[str, Mapping[str, Mapping[str, float]]], titles: Mapping[str, str]
) -> Table:
    table = Table(title="Writes by kind (storm, pods, flip: per app)", title_justify="left")
    for column in ("row", "subject", "writes", "Events, all senders"):
        table.add_column(column)
    rows = list(dict.fromkeys(row for value in writes.values() for row in value))
    for row in rows:
        for name, by_row in writes.items():
            if row in by_row:
                counts = by_row[row]
                ours = {key: count for key, count in counts.items() if not is_event(key)}
                events = {key: count for key, count in counts.items() if is_event(key)}
                table.add_row(row, titles[name], _counts(ours), _counts(events))
    return table


def _counts(counts: Mapping[str, float]) -> str:
    return ", ".join(f"{key} {count:.4g}" for key, count in counts.items()) or "none"
