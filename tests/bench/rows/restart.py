"""The subject is ended and started again: nothing has changed meanwhile."""

import asyncio
import time

from bench import apps
from bench.session import IDLE_CPU, Stage

LEAST_SECONDS = 3.0
DEADLINE_SECONDS = 180.0
WINDOW_SECONDS = 1.0
QUIET_WINDOWS = 3


async def restart(on: Stage, namespace: str) -> None:
    """Until it takes no CPU any more. A new app proves that it is really there by then."""
    await on.settle()
    before = await on.count()
    start = await on.restart()
    used, idle_at, quiet = 0.0, start, 0
    while quiet < QUIET_WINDOWS:
        await asyncio.sleep(WINDOW_SECONDS)
        now = on.usage().cpu_seconds
        if now - used > IDLE_CPU * WINDOW_SECONDS or time.monotonic() - start < LEAST_SECONDS:
            idle_at, quiet = time.monotonic(), 0
        else:
            quiet += 1
        used = now
        if time.monotonic() - start > DEADLINE_SECONDS:
            raise TimeoutError(f"not idle {DEADLINE_SECONDS:.0f} s after its start")
    after = await on.count()
    on.note("restart.writes", on.wrote("restart", before, after))
    on.note("restart.cpu_seconds", used)
    on.note("restart.seconds", idle_at - start)
    on.note("restart.rss_mib", on.usage().rss_mib)
    async with apps.Watch(on.api, namespace) as watch:
        goal = watch.expect(["after-restart"], apps.has_urls)
        await on.api.post(apps.path(namespace), apps.app("after-restart"))
        await goal.wait(DEADLINE_SECONDS)
