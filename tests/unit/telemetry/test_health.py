# SPDX-License-Identifier: Apache-2.0
"""What is healthy: each fact that can be wrong, by itself."""

from dataclasses import replace

import pytest

from exposedapp.kube.resources import NODES, SERVICES, Resource
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
    ("unsynced", "ages", "queue_age", "word"),
    [
        ([], {NODES: 89.0, SERVICES: 0.0}, 299, None),
        (["nodes", "services"], {}, 0, "synced: nodes, services"),
        ([], {SERVICES: 0.0, NODES: 91.0}, 0, "nodes"),
        ([], {SERVICES: 0.0, replace(SERVICES, namespace="shop"): 91.0}, 0, "in namespace shop"),
        ([], {NODES: 0.0}, 301, "queue"),
    ],
)
def test_ready(
    unsynced: list[str],
    ages: dict[Resource, float],
    queue_age: float,
    word: str | None,
) -> None:
    problem = readiness_problem(LIMITS, unsynced, ages, queue_age)
    assert word in problem if word and problem else problem is word
