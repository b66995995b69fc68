# SPDX-License-Identifier: Apache-2.0
"""SIGKILL before and after each write of a reconcile; afterwards everything is as without it.

Which writes there are is seen by the proxy in an undisturbed run, step by step.
"""

import asyncio
from pathlib import Path

import pytest

from faults.api_server import ApiServer
from faults.interference import KillAtWrite
from faults.operator import Operator, running_operator
from faults.scenario import ONE_APP, RECOVERY_SECONDS, Apps, StepRun, new_namespace, reach

STEPS = [
    pytest.param(number, id=name, marks=[pytest.mark.short] if name == "create" else [])
    for number, name in enumerate(ONE_APP)
]


def points(writes: list[str]) -> list[tuple[str, int]]:
    """Each write, and the how manieth of its name it is."""
    return [(write, writes[: end + 1].count(write)) for end, write in enumerate(writes)]


@pytest.mark.parametrize("number", STEPS)
async def test_killed_at_each_write(
    number: int,
    api: ApiServer,
    apps: Apps,
    undisturbed_app: list[StepRun],
    tmp_path: Path,
    subtests: pytest.Subtests,
) -> None:
    runs = undisturbed_app[: number + 1]
    assert runs[-1].writes
    async with running_operator(api, tmp_path, apps.namespace) as operator:
        for point in points(runs[-1].writes):
            for moment in ("before", "after"):
                with subtests.test(f"{moment} {point[0]} {point[1]}"):
                    await _killed_at(point, moment == "before", runs, operator, api)
        assert "Traceback" not in operator.log, operator.log


async def _killed_at(
    point: tuple[str, int], is_before: bool, runs: list[StepRun], operator: Operator, api: ApiServer
) -> None:
    apps = Apps(api, await new_namespace(api))
    async with operator.kept_running():
        for step, run in zip(ONE_APP.values(), runs, strict=False):
            fault = KillAtWrite(operator.kill, apps.namespace, point, is_before=is_before)
            if run is runs[-1]:
                operator.proxy.faults.append(fault)
            await step(apps)
            await reach(apps, run.state, RECOVERY_SECONDS)
        async with asyncio.timeout(RECOVERY_SECONDS):
            await fault.ended.wait()
        await reach(apps, runs[-1].state, RECOVERY_SECONDS)
        operator.proxy.faults.remove(fault)
    await api.delete(f"/api/v1/namespaces/{apps.namespace}")
