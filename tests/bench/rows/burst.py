# SPDX-License-Identifier: Apache-2.0
"""Many nodes stop being listed at once, and come back."""

import time
from functools import partial
from statistics import median

from bench import apps
from bench.client import Json, for_each
from bench.environment import node_address, set_label
from bench.session import Session
from exposedapp.exposure.nodes import EXCLUSION_LABEL

DEADLINE_SECONDS = 300.0


async def burst(session: Session, namespace: str) -> None:
    """Off and on again, from the first label until all statuses follow; the mean of both.

    When the nodes are back, each of these apps must list one again.
    """
    chosen = range(session.size.burst)
    addresses = {node_address(number) for number in chosen}
    listed_apps = await session.api.get(f"{apps.path(namespace)}?resourceVersion=0")
    names = [
        item["metadata"]["name"]
        for item in listed_apps["items"]
        if _lists_any(item.get("status") or {}, addresses)
    ]

    def lists_none(status: Json) -> bool:
        return not _lists_any(status, addresses)

    def lists_some(status: Json) -> bool:
        return _lists_any(status, addresses)

    if not names:
        raise AssertionError("no app lists one of the nodes")
    before, used, seconds = await session.count(), session.usage().cpu_seconds, []
    async with apps.Watch(session.api, namespace) as watch:
        try:
            for label, follows in (("", lists_none), (None, lists_some)):
                goal = watch.expect(names, follows)
                start = time.monotonic()
                await for_each(chosen, partial(_set_label, session, label))
                await goal.wait(DEADLINE_SECONDS)
                seconds.append(max(goal.reached_at.values()) - start)
                await session.count()
        finally:  # The rows and subjects after this one need the nodes.
            await for_each(chosen, partial(_set_label, session, None))
    session.record("burst.apps", len(names))
    session.record("burst.seconds", median(seconds))
    after = await session.count()
    session.record(
        "burst.writes_per_app", session.record_writes("burst", before, after, per=2 * len(names))
    )
    session.record("burst.cpu_seconds", (session.usage().cpu_seconds - used) / 2)


async def _set_label(session: Session, label: str | None, number: int) -> None:
    await set_label(session.api, session.fakes[number], EXCLUSION_LABEL, label)


def _lists_any(status: Json, addresses: set[str]) -> bool:
    urls = status.get("urls") or ()
    return any(url.partition("//")[2].partition(":")[0] in addresses for url in urls)
