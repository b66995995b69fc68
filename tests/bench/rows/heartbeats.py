# SPDX-License-Identifier: Apache-2.0
"""Kubelets say that they are alive: nothing that matters changes."""

from datetime import UTC, datetime, timedelta

from bench.client import for_each
from bench.environment import NODES, ready
from bench.session import Session


async def heartbeats(session: Session) -> None:
    """Status patches of the fake nodes that change the time of the heartbeat alone."""
    before, used, now = await session.count(), session.usage().cpu_seconds, datetime.now(UTC)

    async def beat(number: int) -> None:
        # Never the same time twice, or the API server would see no change.
        beat_time = now + timedelta(seconds=number // len(session.fakes))
        condition = {**ready(), "lastHeartbeatTime": beat_time.strftime("%Y-%m-%dT%H:%M:%SZ")}
        name = session.fakes[number % len(session.fakes)]
        await session.api.patch(f"{NODES}/{name}/status", {"status": {"conditions": [condition]}})

    await for_each(range(session.size.heartbeats), beat)
    after = await session.count()
    session.record("heartbeats.writes", session.record_writes("heartbeats", before, after))
    session.record("heartbeats.cpu_seconds", session.usage().cpu_seconds - used)
