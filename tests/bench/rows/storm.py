"""Many apps at once, until every status has its URLs."""

import asyncio
import time
from statistics import median

from bench import apps
from bench.client import for_each
from bench.session import Stage
from bench.stats import percentile

SECONDS_PER_APP = 0.5
OTHER, OTHER_PATH = "other", "/changed"


async def storm(on: Stage, namespace: str) -> None:
    """Creates the apps, 32 in flight; in the midst of it somebody changes another one."""
    names = [f"app-{number:04}" for number in range(on.size.apps)]
    spec = {"nodes": {"limit": apps.ALL_NODES}} if on.size.list_all else {}
    sent: dict[str, float] = {}
    if on.subject.watches_specs:
        await _create_other(on, namespace)
    before, used = await on.count(), on.usage().cpu_seconds
    async with apps.Watch(on.api, namespace) as watch:
        goal = watch.expect(names, apps.has_urls)

        async def create(name: str) -> None:
            sent[name] = time.monotonic()
            await on.api.post(apps.path(namespace), apps.app(name, **spec))

        start = time.monotonic()
        async with asyncio.TaskGroup() as group:
            if on.subject.watches_specs:
                group.create_task(_change_other(on, namespace, watch, names[: len(names) // 4]))
            await for_each(names, create)
            await goal.wait(60 + SECONDS_PER_APP * len(names))
    waited = [goal.at[name] - sent[name] for name in names]
    on.note("storm.seconds", max(goal.at.values()) - start)
    on.note("storm.p50_ms", median(waited) * 1000)
    on.note("storm.p99_ms", percentile(waited, 99) * 1000)
    after = await on.count(also_events=on.size.wait_for_events)
    written = on.wrote("storm", before, after, per=len(names))
    of_other = 1 / len(names) if on.subject.watches_specs else 0
    on.note("storm.writes_per_app", round(written - of_other, 6))
    if on.size.wait_for_events:
        on.note("storm.events_per_app", on.events(before, after, per=len(names)))
    await on.settle()
    usage = on.usage()
    on.note("storm.cpu_seconds", usage.cpu_seconds - used)
    on.note("memory.rss_mib", usage.rss_mib)


async def _create_other(on: Stage, namespace: str) -> None:
    async with apps.Watch(on.api, namespace) as watch:
        goal = watch.expect([OTHER], apps.has_urls)
        await on.api.post(apps.path(namespace), apps.app(OTHER))
        await goal.wait(60)


async def _change_other(on: Stage, namespace: str, watch: apps.Watch, first: list[str]) -> None:
    """Changes it as soon as the first of the new apps are there, until its URL says so."""
    longest = 60 + SECONDS_PER_APP * on.size.apps
    await watch.expect(first, apps.has_urls).wait(longest)
    goal = watch.expect([OTHER], lambda status: status.get("url", "").endswith(OTHER_PATH))
    changed = time.monotonic()
    port = {"port": 80, "targetPort": 8080, "path": OTHER_PATH}
    await apps.change(on.api, namespace, OTHER, ports=[port])
    await goal.wait(longest)
    on.note("storm.change_ms", (goal.at[OTHER] - changed) * 1000)
