"""The only module that knows kopf: settings, the watch of the apps, and what an event leads to.

News is remembered, and the key of the app it is about is queued: all work is done by the queue's
workers. kopf starts to list the apps when everything else has been listed: so nothing is reconciled
on half a picture, and a restart without drift writes nothing.
"""

import asyncio
import logging
import random
from collections.abc import Iterable, Iterator
from itertools import chain, repeat
from typing import Any

import kopf

from exposedapp.cache import Cache, Key, key_of
from exposedapp.cluster import ApiError, Cluster
from exposedapp.informer import Informer
from exposedapp.lanes import Lane
from exposedapp.metrics import Metrics
from exposedapp.probe import Prober
from exposedapp.queue import Burst, WorkQueue
from exposedapp.reconcile import Reconciler
from exposedapp.recorder import Recorder
from exposedapp.resync import resync
from exposedapp.schema import Json
from exposedapp.settings import Settings
from exposedapp.watches import APPS, Watch, watches

log = logging.getLogger(__name__)

WAIT_SECONDS = 1.0


def make_registry(settings: Settings, metrics: Metrics) -> kopf.OperatorRegistry:
    """The whole operator, as kopf wants it: what to do at start, at each event and at the end."""
    registry = kopf.OperatorRegistry()
    running = _Running(settings, metrics)
    kopf.on.login(registry=registry)(_login)
    kopf.on.startup(registry=registry)(_configure)
    kopf.on.startup(registry=registry)(running.start)
    kopf.on.cleanup(registry=registry)(running.stop)
    kopf.on.event(APPS.group, APPS.version, APPS.plural, registry=registry)(running.app_event)
    return registry


class _Running:
    """What exists between kopf's startup and its cleanup."""

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self._settings = settings
        self._metrics = metrics
        self._cache = Cache()
        self._burst = Burst(self._add_all)
        self._tasks: list[asyncio.Task[None]] = []

    async def app_event(self, event: kopf.RawEvent, **_: Any) -> None:
        """Remembers what became of an app, and has it worked on."""
        body = dict(event["object"])
        key, apps = key_of(body), self._cache.apps
        if event["type"] == "DELETED":
            if apps.drop(body):
                self._queue.add(key)
            return
        before = apps.get(key)
        if apps.put(body):
            self._queue.add(key, _lane(before, apps.get(key) or {}))

    def _news(self, watch: Watch, keys: Iterable[Key]) -> None:
        """Has the apps worked on that a piece of news is about."""
        if not watch.of_all:
            for key in keys:
                self._queue.add(key)
        elif any(True for _ in keys):
            self._burst.news()

    def _add_all(self) -> None:
        for key in self._cache.apps:
            self._queue.add(key)

    async def start(self, **_: Any) -> None:
        """Logs in, waits for the CRD, which kopf looks for once, and lists all but the apps."""
        settings, cache, metrics = self._settings, self._cache, self._metrics
        metrics.reset()
        self._cluster = cluster = await Cluster.login(settings.requests_in_flight)
        cluster.observe = metrics.requests_of(cluster.host)
        self._recorder = Recorder(cluster)
        self._prober = Prober(
            settings.probe_rate,
            settings.probe_in_flight,
            lambda key: self._queue.add(key),
            tried=metrics.probes.tried,
        )
        metrics.probes.state = self._prober.state
        reconciler = Reconciler(
            cluster, cache, settings, self._prober, self._recorder.record, metrics.apps
        )
        self._queue = WorkQueue(reconciler.reconcile, lambda key: key.namespace, metrics.queue)
        await self._wait_for_the_crd()
        seen = metrics.watches.seen
        informers = [Informer(cluster, watch, self._news, seen) for watch in watches(cache)]
        work = [*(it.run() for it in informers), resync(cluster, cache, self._queue.add)]
        self._tasks = [asyncio.create_task(it) for it in work]
        for it in informers:
            await it.listed.wait()
        self._recorder.start()
        self._prober.start()
        self._queue.start()

    async def _wait_for_the_crd(self) -> None:
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
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._queue.stop()
        await self._prober.stop()
        await self._recorder.stop()
        await self._cluster.close()


def _lane(before: Json | None, body: Json) -> Lane:
    """How soon an app is to be worked on: what somebody waits for goes before what is swept."""
    if before is not None:
        # One that was deleted has children that are now to be left alone.
        theirs = ("generation", "annotations", "deletionTimestamp")
        same = all(before["metadata"].get(it) == body["metadata"].get(it) for it in theirs)
        return Lane.SWEEP if same else Lane.CHANGED
    answered = body["status"].get("observedGeneration", -1)
    return Lane.SWEEP if answered == body["metadata"]["generation"] else Lane.NEW


def _login(**kwargs: Any) -> kopf.ConnectionInfo | None:
    return kopf.login_with_service_account(**kwargs) or kopf.login_with_kubeconfig(**kwargs)


def _configure(settings: kopf.OperatorSettings, **_: Any) -> None:
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
