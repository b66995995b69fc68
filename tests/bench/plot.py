# SPDX-License-Identifier: Apache-2.0
"""The curve over commits: one point per saved run."""

import json
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import matplotlib as mpl

from bench.client import Json
from bench.metrics import FLOOR, METRICS, Metric

SHOWN = (
    "storm.seconds",
    "single.p50_ms",
    "flip.seconds",
    "restart.cpu_seconds",
    "memory.rss_mib",
    "idle.cpu_percent",
)
COLOURS = {"operator": "#1f6feb", "tutorial": "#9a6700"}
TITLES = {"operator": "this operator", "tutorial": "kopf's tutorial"}


def saved(folder: Path, size: str) -> list[Json]:
    """The runs of a size, the oldest first."""
    runs = [json.loads(run.read_text()) for run in folder.glob("*.json")]
    return sorted((run for run in runs if run["size"]["name"] == size), key=lambda run: run["date"])


def plot(runs: Sequence[Json], file: Path) -> None:
    """Draws the runs, times as multiples of the floor of the same run."""
    mpl.use("agg")
    from matplotlib import pyplot as plt  # after the choice of what draws

    figure, axes = plt.subplots(2, 3, figsize=(13, 7), layout="constrained")
    metrics = {metric.key: metric for metric in METRICS}
    ticks = [f"{run['date'][5:10]}\n{run['commit']}" for run in runs]
    for axis, key in zip(axes.flat, SHOWN, strict=True):
        metric = metrics[key]
        relative = metric.max_ratio is not None
        axis.set_title(metric.title, fontsize=10)
        axis.set_ylabel("× floor" if relative else metric.unit)
        for name, colour in COLOURS.items():
            points = [(index, _value(run, name, metric)) for index, run in enumerate(runs)]
            drawn = [(index, value) for index, value in points if value is not None]
            if drawn:
                axis.plot(*zip(*drawn, strict=True), "o-", color=colour, label=TITLES[name])
        goal = metric.max_ratio if relative else metric.max_value
        if metric.has_goal(runs[-1]["size"]["name"]):
            axis.axhline(goal, color="#1a7f37", linestyle="--", label="goal")
        if relative:
            axis.axhline(1, color="#8c959f", linestyle=":", label="floor")
        axis.set_ylim(bottom=0)
        axis.set_xlim(-0.5, len(runs) - 0.5)
        axis.set_xticks(range(len(runs)), ticks, fontsize=7)
        axis.legend(fontsize=7)
        axis.grid(axis="y", alpha=0.3)
    size = runs[-1]["size"]
    figure.suptitle(f"{size['apps']} apps, {size['nodes']} fake nodes: lower is better")
    figure.savefig(file, dpi=100)
    plt.close(figure)


def _value(run: Json, subject: str, metric: Metric) -> float | None:
    values: list[float] = run["values"].get(subject, {}).get(metric.key)
    if not values:
        return None
    if metric.max_ratio is None:
        return median(values)
    floor = run["values"].get(FLOOR, {}).get(metric.key)
    return median(values) / median(floor) if floor else None
