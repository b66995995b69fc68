# SPDX-License-Identifier: Apache-2.0
"""What is watched, and which apps an event of each kind concerns.

Built by runtime.py: the events of the informers and of kopf end in a handler, which updates the
store of the kind and returns reconcile requests.
"""

import logging
from collections.abc import Callable, Iterable

from exposedapp.api.meta import Json, NamespacedName, key_of
from exposedapp.cache.cache import Cache
from exposedapp.cache.store import Store
from exposedapp.cache.versions import ListSnapshot
from exposedapp.kube.resources import (
    DEPLOYMENTS,
    ENDPOINT_SLICES,
    EXPOSED_APPS,
    NODES,
    SERVICES,
    Resource,
)
from exposedapp.workqueue.priority import Priority

log = logging.getLogger(__name__)

Requests = Iterable[tuple[NamespacedName, Priority]]
"""The apps that an event concerns, and how soon they are to be reconciled."""


class ResourceHandler:
    """Takes the events of one kind into its store, and returns the apps that they concern.

    One object never stops the others: an object that cannot be read is logged, and its former state
    stays.
    """

    def __init__(self, resource: Resource, store: Store, *, affects_all_apps: bool = False) -> None:
        """`affects_all_apps`: the store's keys are not of apps, and every change concerns all."""
        self.resource = resource
        self.affects_all_apps = affects_all_apps
        self._store = store

    def upsert(self, body: Json) -> Requests:
        """Take in a state of an object."""
        return self._guarded(self._upsert, body)

    def delete(self, body: Json) -> Requests:
        """Take in the deletion of an object, given its last state."""
        return self._guarded(self._delete, body)

    def delete_missing(self, snapshot: ListSnapshot) -> Requests:
        """Delete what a list does not have. Raises HistoryRewrittenError."""
        return _low_priority(self._store.delete_missing(snapshot))

    def _upsert(self, body: Json) -> Requests:
        return _low_priority(self._store.upsert(body))

    def _delete(self, body: Json) -> Requests:
        return _low_priority(self._store.delete(body))

    def _guarded(self, change: Callable[[Json], Requests], body: Json) -> Requests:
        try:
            return change(body)
        except Exception:
            log.exception("%s: cannot read %s", self.resource.plural, describe(body))
            return ()


class AppHandler(ResourceHandler):
    """The handler of ExposedApps, whose own changes have a higher priority."""

    def __init__(self, cache: Cache) -> None:
        super().__init__(EXPOSED_APPS, cache.apps)
        self._apps = cache.apps
        self._nodes = cache.nodes

    def _upsert(self, body: Json) -> Requests:
        before = self._apps.get(key_of(body))
        keys = self._apps.upsert(body)
        self._nodes.set_selector(key_of(body), _selected_labels(body))
        return [(key, _priority(before, body)) for key in keys]


class ServiceHandler(ResourceHandler):
    """The handler of Services, whose events also concern the apps that wait for a node port.

    A port that an own write has freed is noticed in the event of that write.
    """

    def __init__(self, cache: Cache) -> None:
        super().__init__(SERVICES, cache.children["Service"])
        self._waiters = cache.node_port_waiters

    def delete_missing(self, snapshot: ListSnapshot) -> Requests:
        """Delete what a list does not have. Raises HistoryRewrittenError."""
        return [*super().delete_missing(snapshot), *self._waiting()]

    def _upsert(self, body: Json) -> Requests:
        return [*super()._upsert(body), *self._waiting()]

    def _delete(self, body: Json) -> Requests:
        return [*super()._delete(body), *self._waiting()]

    def _waiting(self) -> Requests:
        return [(key, Priority.NORMAL) for key in self._waiters.take_due()]


def resource_handlers(cache: Cache, *, with_nodes: bool = True) -> list[ResourceHandler]:
    """Handlers of everything besides an app itself that its children and URLs depend on."""
    handlers = [
        ResourceHandler(DEPLOYMENTS, cache.children["Deployment"]),
        ServiceHandler(cache),
        ResourceHandler(ENDPOINT_SLICES, cache.endpoint_slices),
    ]
    if with_nodes:
        handlers.append(ResourceHandler(NODES, cache.nodes, affects_all_apps=True))
    return handlers


def initial_requests(cache: Cache, namespace: str | None) -> Requests:
    """All apps of a namespace, or of the cluster (None), when nothing was queued of them before.

    Those first whose status is not of their newest spec: their users wait.
    """
    for key in cache.apps:
        if namespace in (None, key.namespace) and (body := cache.apps.get(key)):
            yield key, _priority(None, body)


def describe(body: object) -> str:
    """Namespace and name of an object, for the log, as far as it has any."""
    metadata = body.get("metadata") if isinstance(body, dict) else None
    if not isinstance(metadata, dict):
        return "an object without metadata"
    return f"{metadata.get('namespace', '')}/{metadata.get('name', '')}".lstrip("/")


def _low_priority(keys: Iterable[NamespacedName]) -> Requests:
    return [(key, Priority.LOW) for key in keys]


def _selected_labels(body: Json) -> set[str]:
    """The keys of spec.nodes.selector. A malformed spec has none: its reconcile reports it."""
    value: object = body
    for field in ("spec", "nodes", "selector"):
        value = value.get(field) if isinstance(value, dict) else None
    return set(value) if isinstance(value, dict) else set()


def _priority(before: Json | None, body: Json) -> Priority:
    """How soon to reconcile an app: what a user waits for comes first."""
    metadata = body["metadata"]
    if before is None:
        status = body.get("status")
        observed = status.get("observedGeneration") if isinstance(status, dict) else None
        return Priority.LOW if observed == metadata.get("generation", 1) else Priority.NORMAL
    if before["metadata"].get("generation") != metadata.get("generation"):
        return Priority.HIGH
    is_replaced = before["metadata"].get("uid") != metadata.get("uid")
    return Priority.HIGH if is_replaced or "deletionTimestamp" in metadata else Priority.LOW
