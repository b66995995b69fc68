# SPDX-License-Identifier: Apache-2.0
"""Two operators: the leader ends, stops for a while, or cannot reach the API server."""

import asyncio
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from faults.api_server import ApiServer
from faults.conftest import RECOVERED
from faults.interference import BlackHole
from faults.leadership import Leadership
from faults.replicas import Replica, two_operators
from faults.scenario import BEFORE, CHANGES, RECOVERY_SECONDS, Apps, State, reach

Loss = Callable[[Replica], object]


def _lose_network(leader: Replica) -> None:
    leader.operator.proxy.faults.append(BlackHole())
    leader.operator.proxy.cut_all()


SHORT = "the leader is killed"
LOSSES: dict[str, Loss] = {
    "the leader is killed": lambda leader: leader.send(signal.SIGKILL),
    "the leader is terminated": lambda leader: leader.send(signal.SIGTERM),
    "the leader is stopped": lambda leader: leader.send(signal.SIGSTOP),
    "the leader loses its network": _lose_network,
}


@pytest.mark.parametrize(
    "loss",
    [
        pytest.param(loss, id=name, marks=[pytest.mark.short] if name == SHORT else [])
        for name, loss in LOSSES.items()
    ],
)
async def test_the_standby_takes_over(
    loss: Loss,
    api: ApiServer,
    apps: Apps,
    undisturbed: tuple[State, State],
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    before, expected = undisturbed
    leadership = Leadership()
    async with two_operators(api, tmp_path, apps.namespace, leadership) as replicas:
        await BEFORE(apps)
        await reach(apps, before, RECOVERY_SECONDS)
        for replica in replicas:
            await replica.operator.until_ready()
        leader = next(replica for replica in replicas if replica.leader_only.is_leader)
        loss(leader)
        start = time.monotonic()
        for change in CHANGES:
            await change(apps)
        await reach(apps, expected, RECOVERY_SECONDS)
        record_property(RECOVERED, time.monotonic() - start)
        assert not leader.leader_only.is_leader
        leader.send(signal.SIGCONT)
        async with asyncio.timeout(RECOVERY_SECONDS):
            while leader.starts < 2:  # what lost the Lease ends
                await asyncio.sleep(0.1)
        assert leadership.violations == []
