# SPDX-License-Identifier: Apache-2.0
"""One app after the other on an idle cluster."""

import asyncio
import time
from statistics import median

from bench import apps
from bench.session import Session
from bench.stats import percentile

DEADLINE_SECONDS = 30.0
PAUSE_SECONDS = 0.1


async def single(session: Session, namespace: str) -> None:
    """From the request to the watch event with the URLs."""
    latencies = []
    async with apps.Watch(session.api, namespace) as watch:
        for number in range(session.size.singles):
            await asyncio.sleep(PAUSE_SECONDS)
            name = f"single-{number:03}"
            goal, start = watch.expect([name], apps.has_urls), time.monotonic()
            await session.api.post(apps.path(namespace), apps.app(name))
            await goal.wait(DEADLINE_SECONDS)
            latencies.append(goal.reached_at[name] - start)
    session.record("single.p50_ms", median(latencies) * 1000)
    session.record("single.p99_ms", percentile(latencies, 99) * 1000)
