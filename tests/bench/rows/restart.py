# SPDX-License-Identifier: Apache-2.0
"""The subject is ended and started again: nothing has changed meanwhile."""

import asyncio
import time

from bench import apps
from bench.session import IDLE_CPU, Session

MIN_SECONDS = 3.0
DEADLINE_SECONDS = 180.0
WINDOW_SECONDS = 1.0
QUIET_WINDOWS = 3


async def restart(session: Session, namespace: str) -> None:
    """Until it takes no CPU any more. A new app proves that it is really there by then."""
    await session.settle()
    before = await session.count()
    start = await session.restart()
    used, idle_at, quiet = 0.0, start, 0
    while quiet < QUIET_WINDOWS:
        await asyncio.sleep(WINDOW_SECONDS)
        now = session.usage().cpu_seconds
        if now - used > IDLE_CPU * WINDOW_SECONDS or time.monotonic() - start < MIN_SECONDS:
            idle_at, quiet = time.monotonic(), 0
        else:
            quiet += 1
        used = now
        if time.monotonic() - start > DEADLINE_SECONDS:
            raise TimeoutError(f"not idle {DEADLINE_SECONDS:.0f} s after its start")
    after = await session.count()
    session.record("restart.writes", session.record_writes("restart", before, after))
    session.record("restart.cpu_seconds", used)
    session.record("restart.seconds", idle_at - start)
    session.record("restart.rss_mib", session.usage().rss_mib)
    async with apps.Watch(session.api, namespace) as watch:
        goal = watch.expect(["after-restart"], apps.has_urls)
        await session.api.post(apps.path(namespace), apps.app("after-restart"))
        await goal.wait(DEADLINE_SECONDS)
