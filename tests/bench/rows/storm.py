"""Many apps at once, until every status has its URLs."""

import time

from bench import apps
from bench.client import for_each
from bench.stage import Stage
from bench.stats import median, percentile

SECONDS_PER_APP = 0.5


async def storm(on: Stage, namespace: str) -> None:
    """Creates the apps, 32 in flight."""
    names = [f"app-{number:04}" for number in range(on.size.apps)]
    spec = {"nodes": {"limit": apps.ALL_NODES}} if on.size.list_all else {}
    sent: dict[str, float] = {}
    before, used = await on.count(), on.usage().cpu_seconds
    async with apps.Watch(on.api, namespace) as watch:
        goal = watch.expect(names, apps.has_urls)

        async def create(name: str) -> None:
            sent[name] = time.monotonic()
            await on.api.post(apps.path(namespace), apps.app(name, **spec))

        start = time.monotonic()
        await for_each(names, create)
        await goal.wait(60 + SECONDS_PER_APP * len(names))
    waited = [goal.at[name] - sent[name] for name in names]
    on.note("storm.seconds", max(goal.at.values()) - start)
    on.note("storm.p50_ms", median(waited) * 1000)
    on.note("storm.p99_ms", percentile(waited, 99) * 1000)
    after = await on.count()
    on.note("storm.writes_per_app", on.wrote("storm", before, after, per=len(names)))
    await on.settle(also_events=on.size.wait_for_events)
    if on.size.wait_for_events:
        on.note("storm.events_per_app", on.events(before, await on.count(), per=len(names)))
    usage = on.usage()
    on.note("storm.cpu_seconds", usage.cpu_seconds - used)
    on.note("memory.rss_mib", usage.rss_mib)
