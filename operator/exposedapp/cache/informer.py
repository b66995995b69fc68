"""Lists a kind of object and follows it, whatever happens to the connection.

All that an event leads to here is that it is remembered and that a key is queued: kopf's handling
of one costs many times that (docs/decisions/0012-performance-changes-follow-profiles.md). And after
a break the new list tells what was deleted meanwhile, which kopf's handlers never hear of.
"""

import asyncio
import logging
import random
import time
from collections.abc import Callable

from exposedapp.api.meta import Json
from exposedapp.cache.store import ListSnapshot
from exposedapp.cache.watches import Requests, ResourceHandler
from exposedapp.kube.client import KubeClient
from exposedapp.kube.errors import ApiError

log = logging.getLogger(__name__)

INITIAL_BACKOFF_SECONDS = 0.5

MAX_BACKOFF_SECONDS = 10.0

MIN_WATCH_SECONDS = 1.0

RETRIABLE_STATUSES = (0, 429, 502, 503, 504)
"""After these it goes on where it was. Others say that this place is no good: too old (410), not to
be read, or of a kind that is not there any more; then all is listed anew."""


class Informer:
    """Keeps what is remembered of one kind true, and says which apps the news is about."""

    def __init__(
        self,
        cluster: KubeClient,
        watch: ResourceHandler,
        queue: Callable[[ResourceHandler, Requests], None],
        seen: Callable[[str], None],
    ) -> None:
        """`seen` is told the kind's plural whenever the API server has said something of it."""
        self._cluster = cluster
        self._watch = watch
        self._queue = queue
        self._seen = seen
        self._version: str | None = None
        """Where to go on; None: list anew."""
        self._pause = INITIAL_BACKOFF_SECONDS
        self._told = ""
        self.listed = asyncio.Event()
        """Set as soon as everything there is has been seen once."""

    async def run(self) -> None:
        """Lists and follows, for ever, whatever happens to the connection."""
        while True:
            try:
                if self._version is None:
                    self._version = await self._list()
                    self.listed.set()
                await self._follow(self._version)
            except ApiError as error:
                if error.status not in RETRIABLE_STATUSES:
                    self._version = None
                await self._rest(error)
            except Exception:
                log.exception("%s: unexpected error; listing anew", self._watch.kind.plural)
                self._version = None
                await asyncio.sleep(MAX_BACKOFF_SECONDS)

    async def _list(self) -> str:
        names, version = set(), "0"
        async for page in self._cluster.list(self._watch.kind):
            version = page["metadata"]["resourceVersion"]
            self._seen(self._watch.kind.plural)
            for body in page["items"]:
                names.add(_name(body))
                self._queue(self._watch, self._watch.put(body))
        gone = list(self._watch.sweep(ListSnapshot(int(version), names)))
        if gone:
            log.info("%s were deleted while nobody watched", self._watch.kind.plural)
        self._queue(self._watch, gone)
        return version

    async def _follow(self, version: str) -> None:
        seconds = int(self._watch.lasts * random.uniform(0.8, 1.0))  # noqa: S311 - jitter
        start, silent = time.monotonic(), True
        async for event in self._cluster.watch(self._watch.kind, version, seconds):
            self._version, silent = _version(event) or self._version, False
            self._works()
            if event["type"] == "DELETED":
                self._queue(self._watch, self._watch.drop(event["object"]))
            elif event["type"] != "BOOKMARK":
                self._queue(self._watch, self._watch.put(event["object"]))
        if silent and time.monotonic() - start < MIN_WATCH_SECONDS:
            # As an API server does that is about to stop: it must not be asked without end.
            raise ApiError(0, "ShortWatch", "the API server ended the watch at once")
        self._works()

    def _works(self) -> None:
        """It can be followed; being listed alone would be no reason to list it again soon."""
        self._seen(self._watch.kind.plural)
        self._pause, self._told = INITIAL_BACKOFF_SECONDS, ""

    async def _rest(self, error: ApiError) -> None:
        """Waits before the next try, longer each time; or as long as the API server says."""
        pause = error.retry_after or self._pause * random.uniform(0.8, 1.2)  # noqa: S311 - jitter
        self._pause = min(self._pause * 2, MAX_BACKOFF_SECONDS)
        level = logging.DEBUG if str(error) == self._told else logging.WARNING
        self._told = str(error)
        log.log(level, "%s: %s; next try in %.1f s", self._watch.kind.plural, error, pause)
        await asyncio.sleep(pause)


def _name(body: Json) -> tuple[str, str]:
    """Namespace and name; ("", "") of an object without metadata, which no store has."""
    metadata = body.get("metadata") or {}
    return metadata.get("namespace", ""), metadata.get("name", "")


def _version(event: Json) -> str | None:
    """Where to go on after an event; None when the object does not say."""
    metadata = event["object"].get("metadata") or {}
    return metadata.get("resourceVersion")
