"""The only module that knows kopf, which runs the operator: start and end, signals.

News is remembered, and the keys of the apps it is about are queued: all work is done by the
queue's workers. They start when everything has been listed once: so nothing is reconciled on half a
picture, and a restart without drift writes nothing.
"""

import asyncio
import logging
from typing import Any

import kopf

from exposedapp.cache.cache import Cache
from exposedapp.cache.informer import Informer
from exposedapp.cache.watches import Requests, ResourceHandler, resource_handlers
from exposedapp.kube.client import KubeClient
from exposedapp.kube.errors import ApiError
from exposedapp.probing.prober import Prober
from exposedapp.reconcile.event_recorder import EventRecorder
from exposedapp.reconcile.reconciler import Reconciler
from exposedapp.settings import Settings
from exposedapp.telemetry.metrics import Metrics
from exposedapp.workqueue.debounce import Debouncer
from exposedapp.workqueue.queue import WORKERS, WorkQueue

log = logging.getLogger(__name__)

WAIT_SECONDS = 1.0


def make_registry(
    settings: Settings, metrics: Metrics, ready: asyncio.Event
) -> kopf.OperatorRegistry:
    """The whole operator, as kopf wants it: what to do at the start and at the end.

    `ready` is set as long as it works.
    """
    registry = kopf.OperatorRegistry()
    running = _Running(settings, metrics, ready)
    kopf.on.login(registry=registry)(_login)
    kopf.on.startup(registry=registry)(_configure)
    kopf.on.startup(registry=registry)(running.start)
    kopf.on.cleanup(registry=registry)(running.stop)
    return registry


class _Running:
    """What exists between kopf's startup and its cleanup."""

    def __init__(self, settings: Settings, metrics: Metrics, ready: asyncio.Event) -> None:
        self._settings = settings
        self._metrics = metrics
        self._ready = ready
        self._cache = Cache()
        self._burst = Debouncer(self._look_at_all)
        self._tasks: list[asyncio.Task[None]] = []

    def _news(self, watch: ResourceHandler, news: Requests) -> None:
        """Has the apps worked on that something is news for."""
        if not watch.of_all:
            for key, priority in news:
                self._queue.add(key, priority)
        elif any(True for _ in news):
            self._burst.trigger()

    def _look_at_all(self) -> None:
        for key in self._cache.apps_by_node_impact():
            self._queue.add(key)

    async def start(self, **_: Any) -> None:
        """Logs in, lists everything there is, and then begins to work."""
        settings, cache, metrics = self._settings, self._cache, self._metrics
        metrics.reset()
        self._cluster = cluster = await KubeClient.login(settings.requests_in_flight)
        cluster.observe = metrics.requests_of(cluster.host)
        self._recorder = EventRecorder(cluster, lambda: self._queue.has_backlog)
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
        self._queue = WorkQueue(
            reconciler.reconcile,
            lambda key: key.namespace,
            metrics.queue,
            min(WORKERS, settings.requests_in_flight),
        )
        await self._wait_for_the_crd()
        await asyncio.gather(*(self._follow(it) for it in resource_handlers(cache)))
        self._recorder.start()
        self._prober.start()
        self._queue.start()
        self._ready.set()

    async def _follow(self, watch: ResourceHandler) -> None:
        """Starts to follow a kind, and waits until all of it has been seen once."""
        seen = self._metrics.watches.seen
        seen(watch.kind.plural)  # one that never hears anything grows old from now on
        informer = Informer(self._cluster, watch, self._news, seen)
        self._tasks.append(asyncio.create_task(informer.run()))
        await informer.listed.wait()

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
        self._ready.clear()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._queue.stop()
        await self._prober.stop()
        await self._recorder.stop()
        await self._cluster.close()


def _login(**kwargs: Any) -> kopf.ConnectionInfo | None:
    return kopf.login_with_service_account(**kwargs) or kopf.login_with_kubeconfig(**kwargs)


def _configure(settings: kopf.OperatorSettings, **_: Any) -> None:
    # kopf asks the API server for nothing: it needs no rights on namespaces, CRDs or its own kinds.
    settings.scanning.disabled = True
    settings.peering.standalone = True
    settings.posting.enabled = False
