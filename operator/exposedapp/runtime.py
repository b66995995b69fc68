# SPDX-License-Identifier: Apache-2.0
"""Composition root: builds, starts, supervises and stops the parts of the operator.

Called by handlers.py. Events update the cache and queue the keys of the apps they concern; the
queue's workers reconcile these. An app is queued only after every other kind has been listed: a
reconcile from an incomplete cache would write, and a restart without drift must not. And only in
the process that leads; a standby has the same caches, and nothing to do. With a limited scope each
namespace is listed, and waited for, by itself.
"""

import asyncio
import logging
import ssl
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass, field

import aiohttp

from exposedapp.admission.certificate_keeper import CHECK_SECONDS, WebhookNames
from exposedapp.admission.results import Verdict
from exposedapp.admission.server import MAX_REVIEW_BYTES, PATH, Answer, Handler
from exposedapp.admission.webhook import Webhook
from exposedapp.api.meta import Json
from exposedapp.cache.cache import Cache
from exposedapp.cache.informer import WATCH_SECONDS, Informer
from exposedapp.cache.partitions import Partition, Partitions
from exposedapp.cache.resync import AppResync
from exposedapp.cache.watches import (
    AppHandler,
    Requests,
    ResourceHandler,
    initial_requests,
    resource_handlers,
)
from exposedapp.election import Election, ElectionPeriods, lease_namespace, new_identity
from exposedapp.kube.client import KubeClient
from exposedapp.kube.connection import RENEWAL_SECONDS, is_usable
from exposedapp.kube.errors import ApiError
from exposedapp.kube.resources import Resource
from exposedapp.kube.scope import Scope
from exposedapp.probing.control import ControlledAttempt
from exposedapp.probing.prober import Prober
from exposedapp.reconcile.event_recorder import EventRecorder
from exposedapp.reconcile.reconciler import Reconciler
from exposedapp.settings import Settings
from exposedapp.supervisor import Supervisor
from exposedapp.telemetry.health import HealthLimits, health, liveness_problem, readiness_problem
from exposedapp.telemetry.http_server import serve_http
from exposedapp.telemetry.metrics import Metrics
from exposedapp.telemetry.metrics_server import measure_loop_lag, serve_metrics
from exposedapp.workqueue.debounce import Debouncer
from exposedapp.workqueue.priority import Priority
from exposedapp.workqueue.queue import WORKERS, WorkQueue

log = logging.getLogger(__name__)

CRD_POLL_SECONDS = 1.0

LEASE_REQUESTS_IN_FLIGHT = 2

ADMISSION_REQUESTS_IN_FLIGHT = 16


@dataclass(frozen=True, slots=True)
class Periods:
    """Times that tests shorten, and that users have no reason to change."""

    election: ElectionPeriods = field(default_factory=ElectionPeriods)
    health: HealthLimits = field(default_factory=HealthLimits)
    watch_seconds: int = WATCH_SECONDS
    """How long the API server keeps a watch request open. kopf reports no bookmarks: that its next
    request begins is what is heard of the apps while nothing happens to them."""
    renewal_seconds: float = RENEWAL_SECONDS
    """After so long without a usable response the client logs in again, with the CA and the token
    as they are then."""
    certificate_check_seconds: float = CHECK_SECONDS
    """Between two looks at the certificate of the admission webhook."""


Work = Callable[[], Coroutine[None, None, None]]


class Runtime:
    """The running operator, from the first request to the last."""

    def __init__(self, settings: Settings, periods: Periods | None = None) -> None:
        self._settings = settings
        self.scope = Scope(settings.watch_namespaces)
        self.periods = periods or Periods()
        self._metrics = Metrics()
        self._cache = Cache()
        self._apps = AppHandler(self._cache)
        self._all_apps = Debouncer(self._enqueue_all_apps)
        self._supervisor = Supervisor()
        self._resources = AsyncExitStack()
        self._partitions = Partitions(self.scope)
        self._webhook: Webhook | None = None
        self._responded_at = time.monotonic()
        """When the API server last sent a usable response; at first, when the process started."""

    @property
    def stop_flag(self) -> asyncio.Event:
        """Set when a long-lived task has ended, so that the process must end, and by stop()."""
        return self._supervisor.stop_flag

    @property
    def failure(self) -> str | None:
        """Which task ended, and why; None while all of them run."""
        return self._supervisor.failure

    async def start(self) -> None:
        """List all kinds but the ExposedApps, which kopf lists afterwards, and start the workers.

        Waits for the API server and the CustomResourceDefinition as long as it takes. Raises
        OSError when the health port cannot be bound. A start that fails or is cancelled closes what
        it has opened.
        """
        try:
            await self._start()
        except BaseException as error:
            if isinstance(error, Exception):
                # kopf may see the stop flag before the error, and then ends without one.
                self._supervisor.fail(f"the start failed: {type(error).__name__}: {error}")
            await self.stop()
            raise

    async def _start(self) -> None:
        settings, metrics, cache = self._settings, self._metrics, self._cache
        pages = health(self._liveness, self._readiness)
        await self._serve("health server", serve_http(settings.health_port, pages))
        await self._serve("metrics server", serve_metrics(metrics, settings.metrics_port))
        if settings.metrics_port:
            self._supervisor.start("event loop lag", measure_loop_lag(metrics))
        self._client = client = await self._login(settings.requests_in_flight)
        lease_client = await self._login(LEASE_REQUESTS_IN_FLIGHT)
        namespace = lease_namespace(settings.lease_namespace)
        election = Election(
            lease_client.request,
            namespace,
            settings.lease_name,
            new_identity(),
            self.periods.election,
        )
        self._resources.push_async_callback(election.release)
        client.transport.may_write = lambda: election.is_leader

        recorder = EventRecorder(client, lambda: self._queue.has_backlog)
        prober = Prober(
            settings.probe_rate,
            settings.probe_in_flight,
            lambda key: self._queue.add(key),
            ControlledAttempt(),
            on_result=metrics.probes.tried,
        )
        metrics.probes.state = prober.state
        reconciler = Reconciler(client, cache, settings, prober, recorder.record, metrics.apps)
        self._queue = WorkQueue(
            reconciler.reconcile,
            lambda key: key.namespace,
            metrics.queue,
            min(WORKERS, settings.requests_in_flight),
        )

        await self._wait_for_the_crd()
        handlers = resource_handlers(cache, with_nodes=settings.watches_nodes)
        await self._partitions.start(handlers, self._follow, self._follow_apps)
        if self.has_webhook:
            await self._start_webhook(namespace, lambda: election.is_leader)
        work: dict[str, Work] = {"event recorder": recorder.run, "prober": prober.run}
        for number in range(self._queue.workers):
            work[f"worker {number}"] = self._queue.run_worker
        self._supervisor.start("leader election", election.run(lambda: self._lead(work)))

    async def _start_webhook(self, namespace: str, is_leader: Callable[[], bool]) -> None:
        """Build the admission webhook; kopf starts its server once there is a certificate."""
        settings, metrics = self._settings, self._metrics
        dry_run_client = await self._login(ADMISSION_REQUESTS_IN_FLIGHT)
        dry_run_client.transport.dry_run = True

        def serve(
            context: ssl.SSLContext, handle: Handler
        ) -> AbstractAsyncContextManager[asyncio.AbstractServer]:
            return serve_http(
                settings.admission_port,
                {PATH: handle},
                method="POST",
                max_bytes=MAX_REVIEW_BYTES,
                context=context,
            )

        self._webhook = webhook = Webhook(
            settings,
            WebhookNames(
                namespace, settings.admission_name, settings.admission_certificate == "own"
            ),
            self._client,
            dry_run_client,
            self._cache,
            is_leader,
            self.periods.certificate_check_seconds,
            serve,
            metrics.admission.reviewed,
        )
        self._supervisor.start("admission certificate", webhook.keep_certificate())

    async def _login(self, in_flight: int) -> KubeClient:
        """A client whose requests are counted, and which is closed at the end."""
        client = await KubeClient.login(in_flight, self.periods.renewal_seconds)
        self._resources.push_async_callback(client.close)
        observe = self._metrics.requests_of(client.transport.host)

        def on_response(method: str, code: int, seconds: float) -> None:
            observe(method, code, seconds)
            if is_usable(code):
                self._responded_at = time.monotonic()

        client.transport.observe = on_response
        return client

    def _lead(self, work: dict[str, Work]) -> None:
        """Start to work, with all apps: nothing was queued while another process led."""
        self._metrics.leading.set(1)
        for name, run in work.items():
            self._supervisor.start(name, run())
        for partition in self._partitions:
            title = f"catch-up of {partition.apps.title}"
            self._supervisor.start(title, self._open(partition), ends=True)

    async def _open(self, partition: Partition) -> None:
        """Reconcile the apps of a partition from when it has caught up."""
        await partition.catch_up()
        partition.is_open = True
        self._enqueue_apps(initial_requests(self._cache, partition.apps.namespace))

    async def _serve(
        self, name: str, serving: AbstractAsyncContextManager[asyncio.AbstractServer | None]
    ) -> None:
        """Open a server, and supervise it."""
        server = await self._resources.enter_async_context(serving)
        if server:
            self._supervisor.start(name, server.serve_forever())

    async def stop(self) -> None:
        """End all tasks and close all connections; a second call does nothing."""
        await self._supervisor.stop()
        await self._resources.aclose()

    def open_session(self) -> aiohttp.ClientSession:
        """A session to the API server for kopf, which closes it."""
        return self._client.transport.open_session(self._on_kopf_response)

    @property
    def host(self) -> str:
        """The URL of the API server."""
        return self._client.transport.host

    @property
    def has_webhook(self) -> bool:
        """Whether apps are reviewed before they are stored."""
        return self._settings.admission_port != 0

    def serve_admission(self, answer: Answer) -> AsyncIterator[Json]:
        """Serve the admission webhook until cancelled; `answer` gets each AdmissionReview."""
        assert self._webhook  # noqa: S101 - set by start()
        return self._webhook.serve(answer)

    async def review(self, new: Json, old: Json | None) -> Verdict:
        """The verdict on an app that is to be stored."""
        assert self._webhook  # noqa: S101 - set by start()
        return await self._webhook.review(new, old)

    def on_app_event(self, event_type: str | None, body: Json) -> None:
        """Update the cache from an event of kopf's watch; the type is None for a listed app."""
        if partition := self._partitions.find(body["metadata"]["namespace"]):
            self._metrics.watches.seen(partition.apps)
        handle = self._apps.delete if event_type == "DELETED" else self._apps.upsert
        self._enqueue_apps(handle(body))

    def _on_kopf_response(self, request: aiohttp.ClientRequest, status: int, _: float) -> None:
        """Record from kopf's responses that it lists and watches the ExposedApps."""
        if status != 200:
            return
        for partition in self._partitions:
            if request.url.path.endswith(partition.apps.list_path()):
                self._metrics.watches.seen(partition.apps)
                if "watch" not in request.url.query:
                    partition.resync.trigger()

    def _liveness(self) -> str | None:
        silence = time.monotonic() - self._responded_at
        return liveness_problem(self.periods.health, self.failure, silence)

    def _readiness(self) -> str | None:
        return readiness_problem(
            self.periods.health,
            self._partitions.unsynced(),
            self._metrics.watches.ages(),
            self._metrics.queue.oldest_seconds,
        )

    def _follow(self, resource: Resource, handler: ResourceHandler) -> Informer:
        """Start the informer of a kind, or of a kind in one namespace."""
        seen = self._metrics.watches.seen
        seen(resource)  # the age of a kind that is never heard of grows from now on
        informer = Informer(
            self._client, resource, handler, self._enqueue, seen, self.periods.watch_seconds
        )
        self._supervisor.start(f"watch of {resource.title}", informer.run())
        return informer

    def _follow_apps(self, resource: Resource) -> AppResync:
        """Start the comparisons of the apps, or of those in one namespace."""
        seen = self._metrics.watches.seen
        seen(resource)
        resync = AppResync(
            self._client, resource, self._cache.apps, self._apps, self._enqueue_apps, seen
        )
        self._supervisor.start(f"resync of {resource.title}", resync.run())
        return resync

    def _enqueue(self, handler: ResourceHandler, requests: Requests) -> None:
        """Queue the apps that an event concerns; a burst that concerns all apps counts once."""
        if not handler.affects_all_apps:
            self._enqueue_apps(requests)
        elif any(True for _ in requests):
            self._all_apps.trigger()

    def _enqueue_apps(self, requests: Requests) -> None:
        for key, priority in requests:
            partition = self._partitions.find(key.namespace)
            if partition and partition.is_open:
                self._queue.add(key, priority)

    def _enqueue_all_apps(self) -> None:
        self._enqueue_apps((key, Priority.LOW) for key in self._cache.apps_by_node_impact())

    async def _wait_for_the_crd(self) -> None:
        reported = None
        while problem := await self._crd_problem():
            if problem != reported:
                log.warning("Waiting: %s", problem)
                reported = problem
            await asyncio.sleep(CRD_POLL_SECONDS)

    async def _crd_problem(self) -> str | None:
        try:
            if await self._client.serves_exposedapps(self.scope):
                return None
        except ApiError as error:
            return str(error)
        return (
            "CustomResourceDefinition exposedapps.exposedapp.dev is not installed. It comes with "
            "the Helm chart (crds.install) and with deploy/manifests/crd.yaml."
        )
