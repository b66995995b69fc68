# SPDX-License-Identifier: Apache-2.0
"""Pure: what is measured, in which unit, and how good it is meant to be (the goals of the issues 6
and 19)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

Measurements = Mapping[str, Sequence[float]]
"""Of one subject: the values of each metric, one per round."""

FLOOR, GO = "floor", "go"
BASELINES = {FLOOR: "floor", GO: "Go"}
"""The subjects that the others are compared with, and their names in the table."""
OWN = ("operator", "webhook")
"""The subjects that are this operator: the first one that is measured is held against the goals."""


@dataclass(frozen=True, slots=True)
class Goal:
    """The value of a metric is at most this."""

    limit: float
    baseline: str | None = None
    """The limit is a multiple of this subject's value."""
    size: str | None = None
    """The goal is one of runs of this size only."""

    def describe(self, unit: str) -> str:
        """The goal in words."""
        if self.baseline:
            return f"≤ {self.limit:g} × {BASELINES[self.baseline]}"
        return f"≤ {self.limit:g} {unit}".strip() if self.limit else "0"

    def can_be_checked(self, values: Mapping[str, float], size: str) -> bool:
        """Whether the goal is one of this size, and its baseline is measured and not 0."""
        return self.size in {None, size} and bool(
            self.baseline is None or values.get(self.baseline)
        )

    def is_met(self, value: float, values: Mapping[str, float]) -> bool:
        """Whether a value is low enough, beside the values of all subjects."""
        return value <= self.limit * (values[self.baseline] if self.baseline else 1)


@dataclass(frozen=True, slots=True)
class Metric:
    """One line of the table."""

    key: str
    title: str
    unit: str = ""
    digits: int = 2
    goals: tuple[Goal, ...] = ()
    is_judged: bool = True
    """Whether lower is better."""

    @property
    def is_time(self) -> bool:
        """Whether it depends on the machine, so that its ratio to a baseline says more."""
        return self.unit in {"s", "ms"}


MEMORY_GOALS = (Goal(130, size="large"), Goal(256, size="largest"))

METRICS = (
    Metric(
        "storm.seconds",
        "storm: all apps have their URLs",
        "s",
        goals=(Goal(1.25, FLOOR), Goal(1, GO)),
    ),
    Metric("storm.p50_ms", "storm: create → URL, p50", "ms", 0),
    Metric("storm.p99_ms", "storm: create → URL, p99", "ms", 0),
    Metric("storm.cpu_seconds", "storm: CPU", "s", goals=(Goal(0.9, GO),)),
    Metric("storm.writes_per_app", "storm: writes per app", goals=(Goal(3),)),
    Metric("storm.events_per_app", "storm: Events per app, all senders"),
    Metric("storm.change_ms", "storm: another app is changed → its status", "ms", 0),
    Metric(
        "single.p50_ms",
        "one app, idle cluster: create → URL, p50",
        "ms",
        1,
        goals=(Goal(1.2, FLOOR), Goal(1.1, GO)),
    ),
    Metric("single.p99_ms", "one app, idle cluster: create → URL, p99", "ms", 1),
    Metric("pods.writes_per_app", "app with a pod until Ready: writes", goals=(Goal(6),)),
    Metric("change.writes_per_app", "a change without a rollout: writes", goals=(Goal(2),)),
    Metric("rollout.writes_per_app", "a change with a rollout: writes", goals=(Goal(4),)),
    Metric("flip.apps", "one node's flip: apps that list it", "", 0, is_judged=False),
    Metric(
        "flip.seconds",
        "one node's flip (floor: bare writes)",
        "s",
        goals=(Goal(1.25, FLOOR),),
    ),
    Metric(
        "flip.writes_per_app",
        "one node's flip: writes per app that lists it",
        goals=(Goal(1),),
    ),
    Metric(
        "flip.writes",
        "one node's flip: writes (apps × limit / nodes: large 40, largest 9)",
        "",
        0,
        (Goal(52, size="large"), Goal(11.2, size="largest")),
    ),
    Metric("flip.cpu_seconds", "one node's flip: CPU", "s"),
    Metric("burst.apps", "500 nodes at once: apps that list one", "", 0, is_judged=False),
    Metric("burst.seconds", "500 nodes at once: all statuses follow", "s", goals=(Goal(60),)),
    Metric("burst.writes_per_app", "500 nodes at once: writes per app that lists one"),
    Metric("burst.cpu_seconds", "500 nodes at once: CPU", "s"),
    Metric("restart.writes", "restart: writes", "", 0, (Goal(0),)),
    Metric(
        "restart.cpu_seconds",
        "restart: CPU until idle",
        "s",
        goals=(Goal(20, size="large"), Goal(30, size="largest"), Goal(0.35, GO)),
    ),
    Metric("restart.seconds", "restart: time until idle", "s", 1),
    Metric("heartbeats.writes", "1,000 node heartbeats: writes", "", 0, (Goal(0),)),
    Metric("heartbeats.cpu_seconds", "1,000 node heartbeats: CPU", "s"),
    Metric("probes.writes", "probes with the same result: writes", "", 0, (Goal(0),)),
    Metric("probes.cpu_percent", "50 probes a second: CPU", "% of a core", 1),
    Metric("idle.cpu_percent", "idle: CPU", "% of a core", 1, (Goal(5),)),
    Metric("idle.writes", "idle: writes", "", 0, (Goal(0),)),
    Metric("admission.without_p50_ms", "apply without the webhook, p50", "ms", 1),
    Metric("admission.with_p50_ms", "apply with it, p50", "ms", 1),
    Metric("admission.without_p99_ms", "apply without the webhook, p99", "ms", 1),
    Metric("admission.with_p99_ms", "apply with it, p99", "ms", 1),
    Metric("admission.storm_seconds", "storm with the webhook", "s"),
    Metric("admission.storm_ratio", "storm: with / without", goals=(Goal(1.25),)),
    Metric(
        "admission.dead_delay_seconds",
        "webhook is dead: delay of an apply",
        "s",
        goals=(Goal(3.1),),
    ),
    Metric("admission.slow_delay_seconds", "webhook is silent: its delay", "s", goals=(Goal(3.1),)),
    Metric("memory.rss_mib", "memory after the storm", "MiB", 0),
    Metric("memory.peak_mib", "memory at its highest", "MiB", 0, MEMORY_GOALS),
    Metric("restart.rss_mib", "memory after a restart", "MiB", 0, MEMORY_GOALS),
)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table, worked out."""

    metric: Metric
    values: dict[str, float]
    """Per subject: the median of the rounds."""
    spreads: dict[str, float]
    """Per subject that was measured more than once."""
    ratios: dict[str, dict[str, float]]
    """Per baseline: of the other subjects to it, for what is a time."""
    goal: str
    """Those that can be checked."""
    met: bool | None
    """Whether this operator reached the goals; None without one."""


def spread(rounds: Sequence[float]) -> float:
    """Half the distance of the highest from the lowest value, as a part of the median; else 0."""
    middle = median(rounds)
    return (max(rounds) - min(rounds)) / 2 / middle if middle else 0.0


def measured_subject(values: Mapping[str, object]) -> str | None:
    """The subject that is held against the goals; None if it is not among these."""
    return next((name for name in OWN if name in values), None)


def lines(measured: Mapping[str, Measurements], size: str) -> list[Line]:
    """The table's lines, where anything was measured."""
    return [
        _line(metric, by_subject, size)
        for metric in METRICS
        if (by_subject := rounds_of(metric, measured))
    ]


def rounds_of(metric: Metric, measured: Mapping[str, Measurements]) -> dict[str, Sequence[float]]:
    """The values of a metric, per subject that has any."""
    return {name: values[metric.key] for name, values in measured.items() if values.get(metric.key)}


def _line(metric: Metric, by_subject: Mapping[str, Sequence[float]], size: str) -> Line:
    values = {name: median(rounds) for name, rounds in by_subject.items()}
    goals = [goal for goal in metric.goals if goal.can_be_checked(values, size)]
    subject = measured_subject(values)
    met = None
    if subject and goals:
        met = all(goal.is_met(values[subject], values) for goal in goals)
    return Line(
        metric,
        values,
        {name: spread(rounds) for name, rounds in by_subject.items() if len(rounds) > 1},
        _ratios(values) if metric.is_time else {},
        ", ".join(goal.describe(metric.unit) for goal in goals),
        met,
    )


def _ratios(values: Mapping[str, float]) -> dict[str, dict[str, float]]:
    return {
        baseline: {
            name: value / values[baseline]
            for name, value in values.items()
            if name not in {FLOOR, baseline}
        }
        for baseline in BASELINES
        if values.get(baseline)
    }
