# SPDX-License-Identifier: Apache-2.0
"""Nothing happens but heartbeats: what that costs."""

import asyncio

from bench.rows.heartbeats import beat_as_kubelets_do
from bench.session import Session


async def idle(session: Session) -> None:
    """The share of a core."""
    await session.settle()
    before = await session.count()
    async with asyncio.TaskGroup() as tasks:
        kubelets = tasks.create_task(beat_as_kubelets_do(session))
        share = await session.cpu(session.size.idle_seconds)
        kubelets.cancel()
    session.record("idle.cpu_percent", share * 100)
    session.record("idle.writes", session.record_writes("idle", before, await session.count()))
