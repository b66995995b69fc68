# SPDX-License-Identifier: Apache-2.0
"""Applies a Service so that it keeps its node ports, or gets others when it cannot.

Called by children.py; writes through apply.py. Which Service holds a node port is asked of the API
server: the cache has only the Services of apps.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace

from exposedapp.api.conditions import Reason
from exposedapp.api.meta import Json, NamespacedName, key_of
from exposedapp.api.service import PortKey
from exposedapp.cache.cache import Cache
from exposedapp.cache.node_port_waiters import NodePortWaiters
from exposedapp.desired.node_ports import keep_node_ports, node_ports, used_node_ports
from exposedapp.kube.errors import ApiError
from exposedapp.kube.scope import Scope
from exposedapp.reconcile.api_errors import allocated_node_ports, is_out_of_range
from exposedapp.reconcile.app import App
from exposedapp.reconcile.apply import Applier
from exposedapp.reconcile.interfaces import ChildClient
from exposedapp.reconcile.results import ChildResult, Failure
from exposedapp.status.observation import Problem

ANOTHER_NAMESPACE = "a Service of another namespace"

BEING_RELEASED = "A node port of this app is still being released."

RELEASE_POLL_SECONDS = 1.0
"""After so long a node port that no Service has any more is requested again."""

MAX_RELEASE_SECONDS = 10.0
"""A node port that is refused for longer than this, and that no listed Service has, is not being
released: it belongs to a Service that may not be listed. The API server releases the ports of a
deleted Service within the request (pkg/registry/core/service/storage)."""

MIN_HOLDERS_TTL_SECONDS = 2.0
"""How long a list of all Services counts as current: hundreds of apps may want node ports that are
taken."""

HOLDERS_TTL_FACTOR = 10
"""A list that takes long counts for ten times as long: at most a tenth of the time is spent on
lists, however many Services there are."""


class ServiceApplier:
    """Applies Services."""

    def __init__(
        self,
        client: ChildClient,
        cache: Cache,
        applier: Applier,
        scope: Scope,
        clock: Callable[[], float],
    ) -> None:
        self._applier = applier
        self._waiters = cache.node_port_waiters
        self._holders = NodePortHolders(client, scope, self._waiters, clock)

    def forget(self, key: NamespacedName) -> None:
        """Drop what is remembered of an app that is deleted."""
        self._waiters.forget(key)
        self._holders.forget(key)

    async def apply(self, app: App, live: Json | None, desired: Json) -> ChildResult:
        """Bring the Service to its desired state; `live` is the object that has its name.

        It keeps the node ports of the live Service, and those in the app's status after it was
        deleted. One that another Service has taken since is replaced by a new one, unless the spec
        asks for it. Raises AppDeleted when the namespace is being deleted.
        """
        # Before the attempt: the port may become free between the refusal and its handling.
        self._waiters.wait(app.key, used_node_ports(desired))
        result = await self._apply(app, live, desired)
        if result.is_as_desired:
            self.forget(app.key)
        return result

    async def _apply(self, app: App, live: Json | None, desired: Json) -> ChildResult:
        allocated = _allocated_node_ports(app, live)
        desired_with_ports = keep_node_ports(desired, allocated)
        result = await self._applier.apply(app, "Service", live, desired_with_ports)
        problem = result.problem
        if problem is None:
            return result
        if problem.reason == Reason.NODE_PORT_CONFLICT:
            numbers = used_node_ports(desired_with_ports)
            requested = used_node_ports(desired)
            try:
                refused = allocated_node_ports(problem) & numbers
                holders = await self._holders.holders(app.key, numbers, refused)
            except ApiError as error:
                pending = f"Which Service has the node port is not known yet: {error}"
                return ChildResult(result.live, pending=pending, failure=Failure.from_error(error))
            if requested & holders.keys():
                return replace(result, problem=_with_holders(problem, holders))
            if not holders:
                # The DELETED event of a Service comes before its node ports are free again.
                if numbers > requested:
                    result = ChildResult(result.live, pending=BEING_RELEASED)
                return replace(result, requeue_after=RELEASE_POLL_SECONDS)
            allocated = {
                port: number for port, number in allocated.items() if number not in holders
            }
        elif is_out_of_range(problem):
            allocated = {}
        with_other_ports = keep_node_ports(desired, allocated)
        if with_other_ports == desired_with_ports:
            return result
        return await self._applier.apply(app, "Service", live, with_other_ports)


class NodePortHolders:
    """Which Service has which node port."""

    def __init__(
        self,
        client: ChildClient,
        scope: Scope,
        waiters: NodePortWaiters,
        clock: Callable[[], float],
    ) -> None:
        self._client = client
        self._scope = scope
        self._waiters = waiters
        self._clock = clock
        self._services: list[Json] = []
        """The last list of all Services."""
        self._releases = 0
        """How many ports had become free when it began: one that did since is not in it."""
        self._expires_at = clock()
        self._listing: asyncio.Task[list[Json]] | None = None
        """The list that is under way."""
        self._unlisted_since: dict[NamespacedName, dict[int, float]] = {}
        """Since when an app has been refused a node port that no listed Service has."""

    def forget(self, key: NamespacedName) -> None:
        """Drop what is remembered of an app that waits for no node port."""
        self._unlisted_since.pop(key, None)

    async def holders(
        self, key: NamespacedName, numbers: set[int], refused: set[int]
    ) -> dict[int, str]:
        """Those of the node ports that Services other than the key's have, each with a sentence.

        The holder is named only in the key's own namespace: users may not learn the objects of
        other namespaces from a status. In a limited scope it may also be one that cannot be listed;
        `refused` are the ports of which the API server says that they are allocated. Raises
        ApiError.
        """
        holders = {}
        for service in await self._all_services():
            if key_of(service) != key:
                holder = _holder(key_of(service), key)
                for number in used_node_ports(service) & numbers:
                    holders[number] = f"Node port {number} belongs to {holder}"
        if self._scope.is_limited:
            for number in self._held_out_of_scope(key, refused - holders.keys()):
                holders[number] = f"Node port {number} belongs to {ANOTHER_NAMESPACE}"
        return holders

    def _held_out_of_scope(self, key: NamespacedName, unlisted: set[int]) -> list[int]:
        """Those of the refused node ports that have been so for longer than a release takes."""
        now, known = self._clock(), self._unlisted_since.get(key, {})
        since = {number: known.get(number, now) for number in unlisted}
        self._unlisted_since[key] = since
        return [number for number, start in since.items() if now - start > MAX_RELEASE_SECONDS]

    async def _all_services(self) -> list[Json]:
        """All Services in the scope, listed a moment ago.

        Concurrent callers share one list, and its error.
        """
        if self._clock() < self._expires_at and self._releases == self._waiters.releases:
            return self._services
        if self._listing is None:
            self._listing = asyncio.create_task(self._list())
        # One caller that is cancelled must not end the list of the others.
        return await asyncio.shield(self._listing)

    async def _list(self) -> list[Json]:
        started_at, releases = self._clock(), self._waiters.releases
        try:
            self._services = await self._client.services(self._scope)
        finally:
            self._listing = None
        finished_at = self._clock()
        ttl = max(MIN_HOLDERS_TTL_SECONDS, HOLDERS_TTL_FACTOR * (finished_at - started_at))
        self._expires_at, self._releases = finished_at + ttl, releases
        return self._services


def _holder(service: NamespacedName, app: NamespacedName) -> str:
    is_in_namespace = service.namespace == app.namespace
    return f"Service {service.name}" if is_in_namespace else ANOTHER_NAMESPACE


def _allocated_node_ports(app: App, live: Json | None) -> Mapping[PortKey, int]:
    remembered = {
        (port.port, port.protocol): port.node_port
        for port in app.previous.ports or ()
        if port.node_port
    }
    # A live port has no number after another client has changed the type of the Service.
    return remembered | node_ports((live["spec"].get("ports") or []) if live else [])


def _with_holders(problem: Problem, holders: Mapping[int, str]) -> Problem:
    return replace(problem, message=f"{problem.message}. {'; '.join(sorted(holders.values()))}.")
