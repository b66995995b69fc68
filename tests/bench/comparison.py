# SPDX-License-Identifier: Apache-2.0
"""Pure: what has become worse since an earlier run."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from bench.client import Json
from bench.metrics import FLOOR, METRICS, Metric, measured_subject, rounds_of, spread

MIN_TOLERANCE = 0.05
"""Values that differ by less are the same."""
TOLERANCE_OF_ONE_ROUND = 0.25
"""Where a spread is not known, because a run has one round."""


@dataclass(frozen=True, slots=True)
class _Reading:
    """What one run says about a metric of this operator."""

    value: float
    """A time is a multiple of the floor's, where the floor was measured: machines differ."""
    is_ratio: bool
    tolerance: float
    """As a part of the value."""


def compare(runs: Sequence[Json], report: Json) -> list[str]:
    """What is worse than in the last run of as many apps and nodes by more than the spread.

    One line each; empty if there is no such run.
    """
    earlier = [run for run in runs if _dimensions(run) == _dimensions(report)]
    if not earlier:
        return []
    last = earlier[-1]
    title = f"Compared with {last['date']}, commit {last['commit']}:"
    worse = [text for metric in METRICS if (text := _worse(metric, last, report))]
    return [title, *worse] if worse else [f"{title} nothing is worse by more than its spread."]


def _dimensions(run: Json) -> tuple[str, int, int]:
    size = run["size"]
    return size["name"], size["apps"], size["nodes"]


def _worse(metric: Metric, last: Json, report: Json) -> str | None:
    if not metric.is_judged:
        return None
    before, after = _reading(metric, last), _reading(metric, report)
    if not before or not after or before.is_ratio != after.is_ratio:
        return None
    if after.value <= before.value * (1 + max(before.tolerance, after.tolerance)):
        return None
    unit = "× floor" if after.is_ratio else metric.unit
    digits = 2 if after.is_ratio else metric.digits
    values = f"{before.value:.{digits}f} → {after.value:.{digits}f} {unit}".strip()
    return f"  worse: {metric.title}: {values}"


def _reading(metric: Metric, run: Json) -> _Reading | None:
    by_subject = rounds_of(metric, run["values"])
    subject = measured_subject(by_subject)
    if not subject:
        return None
    rounds, floors = by_subject[subject], by_subject.get(FLOOR)
    tolerance = spread(rounds) if len(rounds) > 1 else TOLERANCE_OF_ONE_ROUND
    if metric.is_time and floors and median(floors):
        value, total = median(rounds) / median(floors), tolerance + spread(floors)
        return _Reading(value, is_ratio=True, tolerance=max(total, MIN_TOLERANCE))
    return _Reading(median(rounds), is_ratio=False, tolerance=max(tolerance, MIN_TOLERANCE))
