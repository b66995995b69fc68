# SPDX-License-Identifier: Apache-2.0
"""Pure: what is measured, in which unit, and how good it is meant to be (the goals of issue 6)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

Measurements = Mapping[str, Sequence[float]]
"""Of one subject: the values of each metric, one per round."""

FLOOR = "floor"
OWN = ("operator", "webhook")
"""The subjects that are this operator: the first one that is measured is held against the goals."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One line of the table."""

    key: str
    title: str
    unit: str = ""
    digits: int = 2
    max_value: float | None = None
    """The goal: the value is at most this."""
    max_ratio: float | None = None
    """The goal: the value is at most this multiple of the floor's."""
    goal_size: str | None = None
    """The goal is one of runs of this size only."""

    def goal(self, size: str) -> str:
        """The goal in words."""
        if not self.has_goal(size):
            return ""
        if self.max_ratio is not None:
            return f"≤ {self.max_ratio:g} × floor"
        return f"≤ {self.max_value:g} {self.unit}".strip() if self.max_value else "0"

    def has_goal(self, size: str) -> bool:
        """Whether there is a goal in runs of this size."""
        if self.max_value is None and self.max_ratio is None:
            return False
        return self.goal_size in {None, size}

    def is_met(self, value: float, floor: float | None, size: str) -> bool | None:
        """Whether the goal is reached; None without a goal, or without the floor."""
        if not self.has_goal(size):
            return None
        if self.max_ratio is not None:
            return value <= self.max_ratio * floor if floor else None
        return None if self.max_value is None else value <= self.max_value


METRICS = (
    Metric("storm.seconds", "storm: all apps have their URLs", "s", max_ratio=1.25),
    Metric("storm.p50_ms", "storm: create → URL, p50", "ms", 0),
    Metric("storm.p99_ms", "storm: create → URL, p99", "ms", 0),
    Metric("storm.cpu_seconds", "storm: CPU", "s"),
    Metric("storm.writes_per_app", "storm: writes per app", max_value=3),
    Metric("storm.events_per_app", "storm: Events per app, all senders"),
    Metric("storm.change_ms", "storm: another app is changed → its status", "ms", 0),
    Metric("single.p50_ms", "one app, idle cluster: create → URL, p50", "ms", 1, max_ratio=1.2),
    Metric("single.p99_ms", "one app, idle cluster: create → URL, p99", "ms", 1),
    Metric("pods.writes_per_app", "app with a pod until Ready: writes", max_value=6),
    Metric("change.writes_per_app", "a change without a rollout: writes", max_value=2),
    Metric("rollout.writes_per_app", "a change with a rollout: writes", max_value=4),
    Metric("flip.apps", "one node's flip: apps that list it", "", 0),
    Metric(
        "flip.seconds",
        "one node's flip (floor: bare writes)",
        "s",
        2,
        max_ratio=1.25,
        goal_size="default",  # of many nodes few apps list one, and finding them is most of it
    ),
    Metric("flip.writes_per_app", "one node's flip: writes per app that lists it", max_value=1),
    Metric(
        "flip.writes",
        "one node's flip: writes (apps × limit / nodes: 40)",
        "",
        0,
        52,
        goal_size="large",
    ),
    Metric("flip.cpu_seconds", "one node's flip: CPU", "s"),
    Metric("restart.writes", "restart: writes", "", 0, max_value=0),
    Metric(
        "restart.cpu_seconds", "restart: CPU until idle", "s", 2, max_value=20, goal_size="large"
    ),
    Metric("restart.seconds", "restart: time until idle", "s", 1),
    Metric("heartbeats.writes", "1,000 node heartbeats: writes", "", 0, max_value=0),
    Metric("heartbeats.cpu_seconds", "1,000 node heartbeats: CPU", "s"),
    Metric("probes.writes", "probes with the same result: writes", "", 0, max_value=0),
    Metric("probes.cpu_percent", "50 probes a second: CPU", "% of a core", 1),
    Metric("idle.cpu_percent", "idle: CPU", "% of a core", 1, max_value=5),
    Metric("idle.writes", "idle: writes", "", 0, max_value=0),
    Metric("admission.without_p50_ms", "apply without the webhook, p50", "ms", 1),
    Metric("admission.with_p50_ms", "apply with it, p50", "ms", 1),
    Metric("admission.without_p99_ms", "apply without the webhook, p99", "ms", 1),
    Metric("admission.with_p99_ms", "apply with it, p99", "ms", 1),
    Metric("admission.storm_seconds", "storm with the webhook", "s"),
    Metric("admission.storm_ratio", "storm: with / without", max_value=1.25),
    Metric(
        "admission.dead_delay_seconds", "webhook is dead: delay of an apply", "s", max_value=3.1
    ),
    Metric("admission.slow_delay_seconds", "webhook is silent: its delay", "s", max_value=3.1),
    Metric("memory.rss_mib", "memory after the storm", "MiB", 0),
    Metric("memory.peak_mib", "memory at its highest", "MiB", 0, max_value=150, goal_size="large"),
    Metric("restart.rss_mib", "memory after a restart", "MiB", 0, max_value=150, goal_size="large"),
)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table, worked out."""

    metric: Metric
    values: dict[str, float]
    ratios: dict[str, float]
    """To the floor, for what is a time."""
    goal: str
    met: bool | None
    """Whether this operator reached the goal; None without one."""


def lines(measured: Mapping[str, Measurements], size: str) -> list[Line]:
    """The table's lines: the medians of the rounds, where anything was measured."""
    table_lines = []
    for metric in METRICS:
        values = {
            name: median(rounds[metric.key])
            for name, rounds in measured.items()
            if rounds.get(metric.key)
        }
        if not values:
            continue
        floor = values.get(FLOOR)
        ratios = {}
        if floor and metric.unit in {"s", "ms"}:
            ratios = {name: value / floor for name, value in values.items() if name != FLOOR}
        subject = next((name for name in OWN if name in values), None)
        met = metric.is_met(values[subject], floor, size) if subject else None
        table_lines.append(Line(metric, values, ratios, metric.goal(size), met))
    return table_lines
