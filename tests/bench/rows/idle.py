# SPDX-License-Identifier: Apache-2.0
"""Nothing happens: what that costs."""

from bench.session import Session


async def idle(session: Session) -> None:
    """The share of a core."""
    await session.settle()
    before = await session.count()
    share = await session.cpu(session.size.idle_seconds)
    session.record("idle.cpu_percent", share * 100)
    session.record("idle.writes", session.record_writes("idle", before, await session.count()))
