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
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, repeat
from typing import Any

import kopf

from exposedapp.api import GROUP, PLURAL, VERSION
from exposedapp.cache import Cache, Key, Store, key_of
from exposedapp.cluster import ApiError, Cluster
from exposedapp.labels import NAME_LABEL
from exposedapp.queue import WorkQueue
from exposedapp.reconcile import Reconciler
from exposedapp.recorder import Recorder
from exposedapp.schema import Json
from exposedapp.settings import Settings

log = logging.getLogger(__name__)

WAIT_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Watch:
    """A kind that is watched. put and drop remember an event and tell which apps it concerns."""

    group: str
    version: str
    plural: str
    put: Callable[[Json], Iterable[Key]]
    drop: Callable[[Json], Iterable[Key]]
    labels: str | None = None
    """Only objects with this label are asked for."""


def watches(cache: Cache) -> list[Watch]:
    """Everything that can make an app's children or its URLs wrong."""
    deployments, services = cache.children["Deployment"], cache.children["Service"]
    return [
        Watch(GROUP, VERSION, PLURAL, *_own_key(cache.apps)),
        Watch("apps", "v1", "deployments", *_own_key(deployments), NAME_LABEL),
        Watch("", "v1", "services", *_own_key(services), NAME_LABEL),
        Watch(
            "discovery.k8s.io",
            "v1",
            "endpointslices",
            cache.put_slice,
            cache.drop_slice,
            NAME_LABEL,  # the EndpointSlice controller copies it from the Service
        ),
        Watch(
            "",
            "v1",
            "nodes",
            lambda body: cache.apps if cache.put_node(body) else (),
            lambda body: cache.apps if cache.drop_node(body) else (),
        ),
    ]


def _own_key(
    store: Store,
) -> tuple[Callable[[Json], Iterable[Key]], Callable[[Json], Iterable[Key]]]:
    """An app and its children have one key."""
    return (
        lambda body: (key_of(body),) if store.put(body) else (),
        lambda body: (key_of(body),) if store.drop(body) else (),
    )


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
    resource = (watch.group, watch.version, watch.plural)

    @kopf.index(*resource, id=f"put-{watch.plural}", registry=registry)
    async def put(body: kopf.Body, **_: Any) -> None:
        for key in watch.put(dict(body)):
            running.queue.add(key)

    def matters(event: kopf.RawEvent, **_: Any) -> bool:
        return event["type"] == "DELETED" or not running.queue.started

    @kopf.on.event(*resource, id=f"drop-{watch.plural}", registry=registry, when=matters)
    async def drop(event: kopf.RawEvent, **_: Any) -> None:
        running.queue.start()
        if event["type"] == "DELETED":
            for key in watch.drop(dict(event["object"])):
                running.queue.add(key)


class _Running:
    """What exists between kopf's startup and its cleanup."""

    def __init__(self, cache: Cache, settings: Settings) -> None:
        self._cache = cache
        self._settings = settings

    async def start(self, **_: Any) -> None:
        """Logs in and waits for the CRD: kopf looks for it once, at the start."""
        self._cluster = await Cluster.login()
        self._recorder = Recorder(self._cluster)
        self._recorder.start()
        reconciler = Reconciler(self._cluster, self._cache, self._settings, self._recorder.record)
        self.queue = WorkQueue(reconciler.reconcile)
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
        await self.queue.stop()
        await self._recorder.stop()
        await self._cluster.close()


def _login(**kwargs: Any) -> kopf.ConnectionInfo | None:
    return kopf.login_with_service_account(**kwargs) or kopf.login_with_kubeconfig(**kwargs)


def _configure(settings: kopf.OperatorSettings, **_: Any) -> None:
    for watch in watches(Cache()):
        if watch.labels:
            settings.watching.label_selectors[watch.group, watch.version, watch.plural] = (
                watch.labels
            )
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
