# SPDX-License-Identifier: Apache-2.0
"""Kubelets say that they are alive: nothing that matters changes."""

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import count

from bench.client import for_each
from bench.environment import NODES, ready
from bench.session import Session

HEARTBEAT_SECONDS = 300.0
"""A kubelet's nodeStatusReportFrequency, its default."""


async def heartbeats(session: Session) -> None:
    """Status patches of the fake nodes that change the time of the heartbeat alone."""
    before, used, now = await session.count(), session.usage().cpu_seconds, datetime.now(UTC)
    await for_each(range(session.size.heartbeats), lambda number: _beat(session, number, now))
    after = await session.count()
    session.record("heartbeats.writes", session.record_writes("heartbeats", before, after))
    session.record("heartbeats.cpu_seconds", session.usage().cpu_seconds - used)


async def beat_as_kubelets_do(session: Session) -> None:
    """One heartbeat of each fake node in five minutes; until it is cancelled."""
    start = datetime.now(UTC)
    for number in count():
        await _beat(session, number, start)
        await asyncio.sleep(HEARTBEAT_SECONDS / len(session.fakes))


async def _beat(session: Session, number: int, start: datetime) -> None:
    # Never the same time twice, or the API server would see no change.
    beat_time = start + timedelta(seconds=number // len(session.fakes))
    condition = {**ready(), "lastHeartbeatTime": beat_time.strftime("%Y-%m-%dT%H:%M:%SZ")}
    name = session.fakes[number % len(session.fakes)]
    await session.api.patch(f"{NODES}/{name}/status", {"status": {"conditions": [condition]}})
