# SPDX-License-Identifier: Apache-2.0
"""Level-triggered reconcile of one ExposedApp, whatever event queued its key.

read the app -> apply the children -> observe -> probe -> poll pods -> compute the status -> write

Called by the workqueue's workers. Each phase is a module that owns what it remembers of an app; the
order of the phases is all that is decided here.
"""

import time
from collections.abc import Callable

from exposedapp.api.app import ExposedAppStatus
from exposedapp.api.meta import Json, NamespacedName
from exposedapp.cache.cache import Cache
from exposedapp.kube.scope import Scope
from exposedapp.reconcile.app import App, identify_app, parse_app
from exposedapp.reconcile.children import Children
from exposedapp.reconcile.errors import AppDeleted
from exposedapp.reconcile.event_reporter import EventReporter, Record
from exposedapp.reconcile.interfaces import ApiClient, Prober
from exposedapp.reconcile.internal_errors import InternalErrors, internal_error_result
from exposedapp.reconcile.metrics import ConditionMetrics, NoopConditionMetrics
from exposedapp.reconcile.observer import Observer
from exposedapp.reconcile.pod_poller import PodPoller
from exposedapp.reconcile.probes import Probes
from exposedapp.reconcile.results import StatusResult, earliest, reconcile_result
from exposedapp.reconcile.status_writer import StatusWriter
from exposedapp.settings import Settings
from exposedapp.status.compute import compute_status
from exposedapp.workqueue.result import Result

DELETION_CHECK_SECONDS = 60.0
"""Until an app that a response calls deleted is reconciled again, if it is still cached.

What is cached is the watch's to decide: one 404 may be false, such as that of a proxy."""


class Reconciler:
    """Reconciles apps, several at once; the queue never runs one key twice at a time."""

    def __init__(
        self,
        client: ApiClient,
        cache: Cache,
        settings: Settings,
        prober: Prober,
        record: Record,
        metrics: ConditionMetrics | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._cache = cache
        self._children = Children(client, cache, Scope(settings.watch_namespaces), clock)
        self._observer = Observer(cache, settings, clock)
        self._probes = Probes(prober, settings, clock)
        self._pod_poller = PodPoller(client, clock)
        self._status_writer = StatusWriter(client, cache, clock)
        self._events = EventReporter(record)
        self._internal_errors = InternalErrors()
        self._metrics = metrics or NoopConditionMetrics()

    async def reconcile(self, key: NamespacedName) -> Result:
        """Bring an app's children and status to what its spec asks for."""
        body = self._cache.apps.get(key)
        if body is None or "deletionTimestamp" in body["metadata"]:
            # Garbage collection deletes the children; recreating them would race with it.
            return self._forget(key)
        try:
            return await self._reconcile_or_report(identify_app(body), body)
        except AppDeleted:
            self._forget(key)
            return Result(requeue_after=DELETION_CHECK_SECONDS)

    async def _reconcile_or_report(self, identity: App, body: Json) -> Result:
        """Reconcile; an unforeseen error concerns this app only, and is in its status."""
        try:
            result = await self._reconcile(parse_app(identity, body))
        except AppDeleted:
            raise
        except Exception as error:  # noqa: BLE001 - whatever nobody foresaw
            status = self._internal_errors.report(identity, error)
            return internal_error_result(error, await self._publish(identity, status))
        self._internal_errors.forget(identity.key)
        return result

    async def _reconcile(self, app: App) -> Result:
        children = await self._children.reconcile(app)
        self._events.report_changes(app, children.changes)
        observation = self._observer.observe(app, children)
        probing = self._probes.sync(app, observation)
        pods = await self._pod_poller.poll(app, observation)
        status = compute_status(observation, probing.results, pods.failure, probing.seconds)
        self._probes.record(app, status)
        written = await self._publish(app, status)
        requeue_after = earliest(
            children.requeue_after,
            self._observer.requeue_after(app),
            probing.requeue_after,
            pods.requeue_after,
            written.requeue_after,
        )
        return reconcile_result(children, written, requeue_after)

    async def _publish(self, app: App, status: ExposedAppStatus) -> StatusResult:
        """Write a status, and report it as metrics and Events."""
        self._metrics.observe(app.key, status.conditions or ())
        written = await self._status_writer.write(app, status)
        self._events.report_status(app, status, written)
        return written

    def _forget(self, key: NamespacedName) -> Result:
        """Drop everything that is remembered of an app that is deleted."""
        for phase in (
            self._children,
            self._observer,
            self._probes,
            self._pod_poller,
            self._status_writer,
            self._events,
            self._internal_errors,
            self._metrics,
        ):
            phase.forget(key)
        return Result()
