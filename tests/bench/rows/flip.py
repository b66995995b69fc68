"""One node stops being listed, and comes back."""

import time
from statistics import median

from bench import apps
from bench.client import Json, for_each
from bench.environment import node_address, set_label
from bench.session import Stage
from exposedapp.exposure.nodes import EXCLUSION_LABEL

DEADLINE_SECONDS = 120.0
FLIPPED = 7
"""The number of the fake node that it happens to."""


async def flip(on: Stage, namespace: str) -> None:
    """Off and on again by the exclusion label; the floor writes as many statuses itself."""
    found = await on.api.get(f"{apps.path(namespace)}?resourceVersion=0")
    statuses = {it["metadata"]["name"]: it["status"] for it in found["items"]}
    names = [name for name, status in statuses.items() if _lists(status)]
    if not names:
        raise AssertionError(f"no app lists the node {on.fakes[FLIPPED]}")
    on.note("flip.apps", len(names))
    before, used, seconds = await on.count(), on.usage().cpu_seconds, []
    async with apps.Watch(on.api, namespace) as watch:
        for listed in (False, True):
            goal = watch.expect(names, _lists if listed else _lists_not)
            start = time.monotonic()
            if on.subject.watches_nodes:
                await set_label(on.api, on.fakes[FLIPPED], EXCLUSION_LABEL, None if listed else "")
            else:
                await _write(on, namespace, {name: statuses[name] for name in names}, listed=listed)
            await goal.wait(DEADLINE_SECONDS)
            seconds.append(max(goal.at.values()) - start)
            await on.count()
    after = await on.count()
    on.note("flip.seconds", median(seconds))
    per_app = on.wrote("flip", before, after, per=2 * len(names))
    on.note("flip.writes_per_app", per_app)
    on.note("flip.writes", per_app * len(names))
    if on.subject.watches_nodes:
        on.note("flip.cpu_seconds", (on.usage().cpu_seconds - used) / 2)


async def _write(on: Stage, namespace: str, known: dict[str, Json], *, listed: bool) -> None:
    async def write(name: str) -> None:
        urls = known[name]["urls"]
        wanted = urls if listed else [it for it in urls if not _is_flipped(it)]
        await on.api.patch(
            f"{apps.path(namespace, name)}/status",
            {"status": {"urls": wanted, "nodes": {"listed": len(wanted)}}},
        )

    await for_each(known, write)


def _is_flipped(url: str) -> bool:
    return f"//{node_address(FLIPPED)}:" in url


def _lists(status: Json) -> bool:
    return any(map(_is_flipped, status.get("urls") or ()))


def _lists_not(status: Json) -> bool:
    return not _lists(status)
