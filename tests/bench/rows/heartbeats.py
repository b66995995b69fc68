"""Kubelets say that they are alive: nothing that matters changes."""

from datetime import UTC, datetime, timedelta

from bench.client import for_each
from bench.environment import NODES, ready
from bench.session import Stage


async def heartbeats(on: Stage) -> None:
    """Status patches of the fake nodes that change the time of the heartbeat alone."""
    before, used, now = await on.count(), on.usage().cpu_seconds, datetime.now(UTC)

    async def beat(number: int) -> None:
        # Never the same time twice, or the API server would see no change.
        at = now + timedelta(seconds=number // len(on.fakes))
        condition = {**ready(), "lastHeartbeatTime": at.strftime("%Y-%m-%dT%H:%M:%SZ")}
        name = on.fakes[number % len(on.fakes)]
        await on.api.patch(f"{NODES}/{name}/status", {"status": {"conditions": [condition]}})

    await for_each(range(on.size.heartbeats), beat)
    after = await on.count()
    on.note("heartbeats.writes", on.wrote("heartbeats", before, after))
    on.note("heartbeats.cpu_seconds", on.usage().cpu_seconds - used)
