"""One app after the other on an idle cluster."""

import asyncio
import time
from statistics import median

from bench import apps
from bench.session import Stage
from bench.stats import percentile

DEADLINE_SECONDS = 30.0
PAUSE_SECONDS = 0.1


async def single(on: Stage, namespace: str) -> None:
    """From the request to the watch event with the URLs."""
    waited = []
    async with apps.Watch(on.api, namespace) as watch:
        for number in range(on.size.singles):
            await asyncio.sleep(PAUSE_SECONDS)
            name = f"single-{number:03}"
            goal, start = watch.expect([name], apps.has_urls), time.monotonic()
            await on.api.post(apps.path(namespace), apps.app(name))
            await goal.wait(DEADLINE_SECONDS)
            waited.append(goal.at[name] - start)
    on.note("single.p50_ms", median(waited) * 1000)
    on.note("single.p99_ms", percentile(waited, 99) * 1000)
