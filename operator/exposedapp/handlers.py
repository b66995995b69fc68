"""The only module that knows kopf: settings, watches, and what an event leads to.

Handlers do two things: remember what an event says, and queue the key of the app it is about. All
work is done by the queue's workers, which start when everything has been listed once.

kopf's indexing handlers are used for the first half, because kopf runs them for every listed object
before it runs any other handler: so nothing is reconciled on half a picture, and a restart without
drift writes nothing. Their results (None) keep kopf's own indexes empty.
"""

import asyncio
import logging
import random
from collections.abc import Iterable, Iterator
from itertools import chain, repeat
from typing import Any

import kopf

from exposedapp.cache import Cache, Key
from exposedapp.cluster import ApiError, Cluster
from exposedapp.probe import Prober
from exposedapp.queue import Burst, WorkQueue
from exposedapp.reconcile import Reconciler
from exposedapp.recorder import Recorder
from exposedapp.resync import resync
from exposedapp.settings import Settings
from exposedapp.watches import KINDS, Watch, watches

log = logging.getLogger(__name__)

WAIT_SECONDS = 1.0


def make_registry(settings: Settings) -> kopf.OperatorRegistry:
    """The whole operator, as kopf wants it: what to do at start, at each event and at the end."""
    registry = kopf.OperatorRegistry()
    cache = Cache()
    running = _Running(cache, settings)
    kopf.on.login(registry=registry)(_login)
    kopf.on.startup(registry=registry)(_configure)
    kopf.on.startup(registry=registry)(running.start)
    kopf.on.cleanup(registry=registry)(running.stop)
    for watch in watches(cache):
        _handle(watch, running, registry)
    return registry


def _handle(watch: Watch, running: "_Running", registry: kopf.OperatorRegistry) -> None:
    kind = watch.kind
    resource = (kind.group, kind.version, kind.plural)

    @kopf.index(*resource, id=f"put-{kind.plural}", registry=registry)
    async def put(body: kopf.Body, **_: Any) -> None:
        running.add(watch, watch.put(dict(body)))

    def matters(event: kopf.RawEvent, **_: Any) -> bool:
        return event["type"] == "DELETED" or not running.queue.started

    @kopf.on.event(*resource, id=f"drop-{kind.plural}", registry=registry, when=matters)
    async def drop(event: kopf.RawEvent, **_: Any) -> None:
        running.queue.start()
        if event["type"] == "DELETED":
            running.add(watch, watch.drop(dict(event["object"])))


class _Running:
    """What exists between kopf's startup and its cleanup."""

    def __init__(self, cache: Cache, settings: Settings) -> None:
        self._cache = cache
        self._settings = settings
        self._burst = Burst(self._add_all)

    def add(self, watch: Watch, keys: Iterable[Key]) -> None:
        """Has the apps worked on that a piece of news is about."""
        if watch.of_all and self.queue.started:
            if any(True for _ in keys):
                self._burst.news()
            return
        for key in keys:
            self.queue.add(key)

    def _add_all(self) -> None:
        for key in self._cache.apps:
            self.queue.add(key)

    async def start(self, **_: Any) -> None:
        """Logs in and waits for the CRD: kopf looks for it once, at the start."""
        self._cluster = await Cluster.login()
        self._recorder = Recorder(self._cluster)
        self._recorder.start()
        settings = self._settings
        self._prober = Prober(
            settings.probe_rate, settings.probe_in_flight, lambda key: self.queue.add(key)
        )
        self._prober.start()
        reconciler = Reconciler(
            self._cluster, self._cache, settings, self._prober, self._recorder.record
        )
        self.queue = WorkQueue(reconciler.reconcile)
        self._resyncs = [
            asyncio.create_task(resync(self._cluster, watch, self.add))
            for watch in watches(self._cache)
        ]
        told = None
        while hindrance := await self._hindrance():
            if hindrance != told:
                log.warning("Waiting: %s", hindrance)
                told = hindrance
            await asyncio.sleep(WAIT_SECONDS)

    async def _hindrance(self) -> str | None:
        try:
            if await self._cluster.serves_exposedapps():
                return None
        except ApiError as error:
            return str(error)
        return (
            "the cluster does not know ExposedApps yet. The CustomResourceDefinition comes with "
            "the Helm chart (crds.install) and with deploy/manifests/install.yaml."
        )

    async def stop(self, **_: Any) -> None:
        """Ends the workers, then the connections they use."""
        for task in self._resyncs:
            task.cancel()
        await asyncio.gather(*self._resyncs, return_exceptions=True)
        await self.queue.stop()
        await self._prober.stop()
        await self._recorder.stop()
        await self._cluster.close()


def _login(**kwargs: Any) -> kopf.ConnectionInfo | None:
    return kopf.login_with_service_account(**kwargs) or kopf.login_with_kubeconfig(**kwargs)


def _configure(settings: kopf.OperatorSettings, **_: Any) -> None:
    for kind in KINDS:
        if kind.labels:
            resource = (kind.group, kind.version, kind.plural)
            settings.watching.label_selectors[resource] = kind.labels
    # The kinds are known; no rights on namespaces and CRDs are needed to find more.
    settings.scanning.disabled = True
    settings.peering.standalone = True
    settings.posting.enabled = False
    settings.persistence.diffbase_storage = _NoDiffs()
    # A worker is kept per object for so long after its last event.
    settings.queueing.idle_timeout = 1
    settings.networking.connect_timeout = 10
    settings.networking.request_timeout = 60
    # An API server that is away must not end the operator: by default kopf gives up after 54 s.
    settings.networking.error_backoffs = _EndlessBackoffs()


class _NoDiffs(kopf.DiffBaseStorage):
    """kopf compares every object with its last handled state; here nobody asks for that."""

    def build(self, **_: Any) -> kopf.BodyEssence:
        return kopf.BodyEssence({})

    def fetch(self, **_: Any) -> None:
        return None

    def store(self, **_: Any) -> None:
        pass


class _EndlessBackoffs:
    """Seconds between the tries of one request: longer and longer, and never the last one."""

    def __iter__(self) -> Iterator[float]:
        for seconds in chain((1, 1, 2, 3, 5), repeat(8)):
            yield seconds * random.uniform(0.75, 1.25)  # noqa: S311 - jitter, not a secret
