"""Finds the apps that were deleted while their watch was broken.

kopf lists anew then, and does not miss them; for everything else the informers do.
"""

import asyncio
import logging
import random
from collections.abc import Callable

from exposedapp.cache import Cache, Key, Listed
from exposedapp.cluster import ApiError, Cluster
from exposedapp.schema import Json
from exposedapp.watches import APPS

log = logging.getLogger(__name__)

EVERY_SECONDS = 600.0


async def resync(cluster: Cluster, cache: Cache, queue: Callable[[Key], None]) -> None:
    """Compares the apps that are remembered with those there are, every so often, for ever."""
    while True:
        await asyncio.sleep(EVERY_SECONDS * random.uniform(0.8, 1.0))  # noqa: S311 - jitter
        try:
            found = await cluster.names(APPS)
        except ApiError as error:
            log.debug("cannot list the apps: %s", error)
            continue
        for key in cache.apps.sweep(_listed(found)):
            log.info("%s/%s was deleted while nobody watched", *key)
            queue(key)


def _listed(found: Json) -> Listed:
    names = {(it["metadata"]["namespace"], it["metadata"]["name"]) for it in found["items"]}
    return Listed(int(found["metadata"]["resourceVersion"]), names)
