"""Finds what was deleted while a watch was broken: kopf lists anew then, and does not miss it."""

import asyncio
import logging
import random
from collections.abc import Callable, Iterable

from exposedapp.cache import Key, Listed
from exposedapp.cluster import ApiError, Cluster
from exposedapp.schema import Json
from exposedapp.watches import Watch

log = logging.getLogger(__name__)


async def resync(
    cluster: Cluster, watch: Watch, queue: Callable[[Watch, Iterable[Key]], None]
) -> None:
    """Compares what is remembered of a kind with what there is, every so often, for ever."""
    while True:
        await asyncio.sleep(watch.every * random.uniform(0.8, 1.0))  # noqa: S311
        kind = watch.kind
        try:
            found = await cluster.names(kind.group, kind.version, kind.plural, kind.labels)
        except ApiError as error:
            log.debug("cannot list %s: %s", kind.plural, error)
            continue
        gone = list(watch.sweep(_listed(found)))
        if gone:
            log.info("%s were deleted while nobody watched", kind.plural)
            queue(watch, gone)


def _listed(found: Json) -> Listed:
    metas = (it["metadata"] for it in found["items"])
    names = {(meta.get("namespace", ""), meta["name"]) for meta in metas}
    return Listed(int(found["metadata"]["resourceVersion"]), names)
