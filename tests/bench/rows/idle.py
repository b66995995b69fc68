"""Nothing happens: what that costs."""

from bench.session import Stage


async def idle(on: Stage) -> None:
    """The share of a core."""
    await on.settle()
    before = await on.count()
    share = await on.cpu(on.size.idle_seconds)
    on.note("idle.cpu_percent", share * 100)
    on.note("idle.writes", on.wrote("idle", before, await on.count()))
