"""What is healthy: each fact that can be wrong, by itself."""

import pytest

from exposedapp.telemetry.health import HealthLimits, liveness_problem, readiness_problem

LIMITS = HealthLimits()


@pytest.mark.parametrize(
    ("failure", "silence", "word"),
    [(None, 299, None), (None, 301, "301 s"), ("prober ended", 0, "prober ended")],
)
def test_alive(failure: str | None, silence: float, word: str | None) -> None:
    problem = liveness_problem(LIMITS, failure, silence)
    assert word in problem if word and problem else problem is word


@pytest.mark.parametrize(
    ("has_synced", "ages", "queue_age", "word"),
    [
        (True, {"nodes": 89.0, "services": 0.0}, 299, None),
        (False, {}, 0, "synced"),
        (True, {"services": 0.0, "nodes": 91.0}, 0, "nodes"),
        (True, {"nodes": 0.0}, 301, "queue"),
    ],
)
def test_ready(
    has_synced: bool,
    ages: dict[str, float],
    queue_age: float,
    word: str | None,
) -> None:
    problem = readiness_problem(LIMITS, has_synced, ages, queue_age)
    assert word in problem if word and problem else problem is word
