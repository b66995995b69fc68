# SPDX-License-Identifier: Apache-2.0
"""Many apps at once, until every status has its URLs."""

import asyncio
import time
from statistics import median

from bench import apps
from bench.client import for_each
from bench.session import Session
from bench.stats import percentile

SECONDS_PER_APP = 0.5
OTHER, OTHER_PATH = "other", "/changed"


async def storm(session: Session, namespace: str) -> None:
    """Creates the apps, 32 in flight; in the middle of it another app is changed."""
    names = [f"app-{number:04}" for number in range(session.size.apps)]
    spec = {"nodes": {"limit": apps.ALL_NODES}} if session.size.list_all else {}
    sent: dict[str, float] = {}
    if session.subject.watches_specs:
        await _create_other(session, namespace)
    before, used = await session.count(), session.usage().cpu_seconds
    async with apps.Watch(session.api, namespace) as watch:
        goal = watch.expect(names, apps.has_urls)

        async def create(name: str) -> None:
            sent[name] = time.monotonic()
            await session.api.post(apps.path(namespace), apps.app(name, **spec))

        start = time.monotonic()
        async with asyncio.TaskGroup() as group:
            if session.subject.watches_specs:
                group.create_task(
                    _change_other(session, namespace, watch, names[: len(names) // 4])
                )
            await for_each(names, create)
            await goal.wait(60 + SECONDS_PER_APP * len(names))
    latencies = [goal.reached_at[name] - sent[name] for name in names]
    session.record("storm.seconds", max(goal.reached_at.values()) - start)
    session.record("storm.p50_ms", median(latencies) * 1000)
    session.record("storm.p99_ms", percentile(latencies, 99) * 1000)
    after = await session.count(also_events=session.size.wait_for_events)
    written = session.record_writes("storm", before, after, per=len(names))
    of_other = 1 / len(names) if session.subject.watches_specs else 0
    session.record("storm.writes_per_app", round(written - of_other, 6))
    if session.size.wait_for_events:
        session.record("storm.events_per_app", session.events(before, after, per=len(names)))
    await session.settle()
    usage = session.usage()
    session.record("storm.cpu_seconds", usage.cpu_seconds - used)
    session.record("memory.rss_mib", usage.rss_mib)


async def _create_other(session: Session, namespace: str) -> None:
    async with apps.Watch(session.api, namespace) as watch:
        goal = watch.expect([OTHER], apps.has_urls)
        await session.api.post(apps.path(namespace), apps.app(OTHER))
        await goal.wait(60)


async def _change_other(
    session: Session, namespace: str, watch: apps.Watch, first: list[str]
) -> None:
    """Changes it as soon as the first of the new apps are there, until its URL says so."""
    longest = 60 + SECONDS_PER_APP * session.size.apps
    await watch.expect(first, apps.has_urls).wait(longest)
    goal = watch.expect([OTHER], lambda status: status.get("url", "").endswith(OTHER_PATH))
    changed = time.monotonic()
    port = {"port": 80, "targetPort": 8080, "path": OTHER_PATH}
    await apps.change(session.api, namespace, OTHER, ports=[port])
    await goal.wait(longest)
    session.record("storm.change_ms", (goal.reached_at[OTHER] - changed) * 1000)
