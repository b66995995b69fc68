# SPDX-License-Identifier: Apache-2.0
"""The curve over commits: one point per saved run."""

import json
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import matplotlib as mpl

from bench.client import Json
from bench.metrics import BASELINES, FLOOR, GO, METRICS

SHOWN = (
    ("storm.seconds", FLOOR),
    ("single.p50_ms", FLOOR),
    ("flip.seconds", FLOOR),
    ("storm.seconds", GO),
    ("single.p50_ms", GO),
    ("storm.cpu_seconds", GO),
    ("restart.cpu_seconds", GO),
    ("memory.rss_mib", None),
    ("idle.cpu_percent", None),
)
"""Metrics, as multiples of a baseline's value in the same run, or as they are."""
COLOURS = {"operator": "#1f6feb", "tutorial": "#9a6700", GO: "#8250df"}
TITLES = {"operator": "this operator", "tutorial": "kopf's tutorial", GO: "Go"}


def saved(folder: Path, size: str) -> list[Json]:
    """The runs of a size, the oldest first."""
    runs = [json.loads(run.read_text()) for run in folder.glob("*.json")]
    return sorted((run for run in runs if run["size"]["name"] == size), key=lambda run: run["date"])


def plot(runs: Sequence[Json], file: Path) -> None:
    """Draws the runs."""
    mpl.use("agg")
    from matplotlib import pyplot as plt  # after the choice of what draws

    figure, axes = plt.subplots(3, 3, figsize=(13, 10), layout="constrained")
    metrics, size = {metric.key: metric for metric in METRICS}, runs[-1]["size"]
    ticks = [f"{run['date'][5:10]}\n{run['commit']}" for run in runs]
    for axis, (key, baseline) in zip(axes.flat, SHOWN, strict=True):
        metric = metrics[key]
        axis.set_title(metric.title, fontsize=10)
        axis.set_ylabel(f"× {BASELINES[baseline]}" if baseline else metric.unit)
        for name, colour in COLOURS.items():
            points = [(index, _value(run, name, key, baseline)) for index, run in enumerate(runs)]
            drawn = [(index, value) for index, value in points if value is not None]
            if drawn and name != baseline:
                axis.plot(*zip(*drawn, strict=True), "o-", color=colour, label=TITLES[name])
        for goal in metric.goals:
            if goal.baseline == baseline and goal.size in {None, size["name"]}:
                axis.axhline(goal.limit, color="#1a7f37", linestyle="--", label="goal")
        if baseline:
            axis.axhline(1, color="#8c959f", linestyle=":", label=BASELINES[baseline])
        axis.set_ylim(bottom=0)
        axis.set_xlim(-0.5, len(runs) - 0.5)
        axis.set_xticks(range(len(runs)), ticks, fontsize=7)
        axis.legend(fontsize=7)
        axis.grid(axis="y", alpha=0.3)
    figure.suptitle(f"{size['apps']} apps, {size['nodes']} fake nodes: lower is better")
    figure.savefig(file, dpi=100)
    plt.close(figure)


def _value(run: Json, subject: str, key: str, baseline: str | None) -> float | None:
    values: list[float] = run["values"].get(subject, {}).get(key)
    if not values:
        return None
    if baseline is None:
        return median(values)
    divisor = run["values"].get(baseline, {}).get(key)
    return median(values) / median(divisor) if divisor else None
