"""What is watched, and which apps the news of each kind is about."""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from exposedapp.api.meta import Json, NamespacedName, key_of
from exposedapp.cache.cache import Cache
from exposedapp.cache.store import ListSnapshot, ObjectStore
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
"""The apps that something is news for, and how soon they are to be worked on."""


@dataclass(frozen=True, slots=True)
class ResourceHandler:
    """A kind that is watched. Each of the three says which apps it was about."""

    kind: Resource
    on_upsert: Callable[[Json], Requests]
    on_delete: Callable[[Json], Requests]
    sweep: Callable[[ListSnapshot], Requests]
    """Given all that there is, forgets what is gone."""
    of_all: bool = False
    """Whether its news is about all apps: then a burst of it is answered once."""

    def put(self, body: Json) -> Requests:
        """Take in an object. One that cannot be read is logged, and never stops the others."""
        return self._handle(self.on_upsert, body)

    def drop(self, body: Json) -> Requests:
        """Take in a deletion. An object that cannot be read is logged."""
        return self._handle(self.on_delete, body)

    def _handle(self, handle: Callable[[Json], Requests], body: Json) -> Requests:
        try:
            return list(handle(body))
        except Exception:
            log.exception("%s: cannot read %s", self.kind.plural, describe(body))
            return ()


def describe(body: object) -> str:
    """Namespace and name of an object, for the log, as far as it has any."""
    metadata = body.get("metadata") if isinstance(body, dict) else None
    if not isinstance(metadata, dict):
        return "an object without metadata"
    return f"{metadata.get('namespace', '')}/{metadata.get('name', '')}".lstrip("/")


def resource_handlers(cache: Cache) -> list[ResourceHandler]:
    """Everything besides an app itself that can make its children or its URLs wrong."""
    return [
        _children(DEPLOYMENTS, cache.children["Deployment"]),
        _children(SERVICES, cache.children["Service"]),
        ResourceHandler(
            ENDPOINT_SLICES,
            lambda body: _low_priority(cache.put_slice(body)),
            lambda body: _low_priority(cache.drop_slice(body)),
            lambda listed: _low_priority(cache.sweep_slices(listed)),
        ),
        ResourceHandler(
            NODES,
            lambda body: _low_priority(cache.apps if cache.put_node(body) else ()),
            lambda body: _low_priority(cache.apps if cache.drop_node(body) else ()),
            lambda listed: _low_priority(cache.apps if cache.sweep_nodes(listed) else ()),
            of_all=True,
        ),
    ]


def app_handler(cache: Cache) -> ResourceHandler:
    """ExposedApps: kopf delivers their events, and AppResync compares them with a list."""
    store = cache.apps

    def put(body: Json) -> Requests:
        key = key_of(body)
        before = store.get(key)
        return ((key, _priority(before, body)),) if cache.put_app(body) else ()

    return ResourceHandler(
        EXPOSED_APPS,
        put,
        lambda body: _low_priority([key_of(body)] if store.drop(body) else ()),
        lambda listed: _low_priority(store.sweep(listed)),
    )


def pending_apps(cache: Cache) -> Requests:
    """The apps whose status is not of their newest spec: their users wait."""
    for key in cache.apps:
        body = cache.apps.get(key)
        priority = _priority(None, body) if body else Priority.LOW
        if priority != Priority.LOW:
            yield key, priority


def _children(kind: Resource, store: ObjectStore) -> ResourceHandler:
    """A child has the key of its app."""
    return ResourceHandler(
        kind,
        lambda body: _low_priority([key_of(body)] if store.put(body) else ()),
        lambda body: _low_priority([key_of(body)] if store.drop(body) else ()),
        lambda listed: _low_priority(store.sweep(listed)),
    )


def _low_priority(keys: Iterable[NamespacedName]) -> Requests:
    return ((key, Priority.LOW) for key in keys)


def _priority(before: Json | None, body: Json) -> Priority:
    """How soon an app is to be worked on: what somebody waits for goes before what is swept."""
    meta = body["metadata"]
    if before is None:
        status = body.get("status")
        observed = status.get("observedGeneration") if isinstance(status, dict) else None
        return Priority.LOW if observed == meta.get("generation", 1) else Priority.NORMAL
    if before["metadata"].get("generation") != meta.get("generation"):
        return Priority.HIGH
    # Handing over a foreign object is done by an annotation; one that goes is to be left alone.
    changed = "deletionTimestamp" in meta or before["metadata"].get("uid") != meta.get("uid")
    return Priority.HIGH if changed else Priority.LOW
