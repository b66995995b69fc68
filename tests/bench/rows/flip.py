# SPDX-License-Identifier: Apache-2.0
"""One node stops being listed, and comes back."""

import time
from statistics import median

from bench import apps
from bench.client import Json, for_each
from bench.environment import node_address, set_label
from bench.session import Session
from exposedapp.exposure.nodes import EXCLUSION_LABEL

DEADLINE_SECONDS = 120.0
FLIPPED = 7
"""The number of the fake node that it happens to."""


async def flip(session: Session, namespace: str) -> None:
    """Off and on again by the exclusion label; the floor writes as many statuses itself."""
    listed_apps = await session.api.get(f"{apps.path(namespace)}?resourceVersion=0")
    statuses = {item["metadata"]["name"]: item["status"] for item in listed_apps["items"]}
    names = [name for name, status in statuses.items() if _lists(status)]
    if not names:
        raise AssertionError(f"no app lists the node {session.fakes[FLIPPED]}")
    session.record("flip.apps", len(names))
    before, used, seconds = await session.count(), session.usage().cpu_seconds, []
    async with apps.Watch(session.api, namespace) as watch:
        for listed in (False, True):
            goal = watch.expect(names, _lists if listed else _lists_not)
            start = time.monotonic()
            if session.subject.watches_nodes:
                await set_label(
                    session.api, session.fakes[FLIPPED], EXCLUSION_LABEL, None if listed else ""
                )
            else:
                await _write(
                    session, namespace, {name: statuses[name] for name in names}, listed=listed
                )
            await goal.wait(DEADLINE_SECONDS)
            seconds.append(max(goal.reached_at.values()) - start)
            await session.count()
    after = await session.count()
    session.record("flip.seconds", median(seconds))
    per_app = session.record_writes("flip", before, after, per=2 * len(names))
    session.record("flip.writes_per_app", per_app)
    session.record("flip.writes", per_app * len(names))
    if session.subject.watches_nodes:
        session.record("flip.cpu_seconds", (session.usage().cpu_seconds - used) / 2)


async def _write(session: Session, namespace: str, known: dict[str, Json], *, listed: bool) -> None:
    async def write(name: str) -> None:
        urls = known[name]["urls"]
        desired = urls if listed else [url for url in urls if not _is_flipped(url)]
        await session.api.patch(
            f"{apps.path(namespace, name)}/status",
            {"status": {"urls": desired, "nodes": {"listed": len(desired)}}},
        )

    await for_each(known, write)


def _is_flipped(url: str) -> bool:
    return f"//{node_address(FLIPPED)}:" in url


def _lists(status: Json) -> bool:
    return any(map(_is_flipped, status.get("urls") or ()))


def _lists_not(status: Json) -> bool:
    return not _lists(status)
