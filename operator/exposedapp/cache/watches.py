"""What is watched, and which apps the news of each kind is about."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from exposedapp.api.meta import Json, Key, key_of
from exposedapp.cache.cache import Cache
from exposedapp.cache.store import Listed, Store
from exposedapp.kube.resources import APPS, DEPLOYMENTS, NODES, SERVICES, SLICES, Kind
from exposedapp.workqueue.priority import Lane

News = Iterable[tuple[Key, Lane]]
"""The apps that something is news for, and how soon they are to be worked on."""


@dataclass(frozen=True, slots=True)
class Watch:
    """A kind that is watched. Each of the three says which apps it was about."""

    kind: Kind
    put: Callable[[Json], News]
    drop: Callable[[Json], News]
    sweep: Callable[[Listed], News]
    """Given all that there is, forgets what is gone."""
    lasts: float = 300.0
    """For how many seconds one watch request follows, and at most how long a connection that died
    without a word is taken for silence."""
    of_all: bool = False
    """Whether its news is about all apps: then a burst of it is answered once."""


def watches(cache: Cache) -> list[Watch]:
    """Everything that can make an app's children or its URLs wrong."""
    return [
        _apps(cache),
        _children(DEPLOYMENTS, cache.children["Deployment"]),
        _children(SERVICES, cache.children["Service"]),
        Watch(
            SLICES,
            lambda body: _swept(cache.put_slice(body)),
            lambda body: _swept(cache.drop_slice(body)),
            lambda listed: _swept(cache.sweep_slices(listed)),
        ),
        Watch(
            NODES,
            lambda body: _swept(cache.apps if cache.put_node(body) else ()),
            lambda body: _swept(cache.apps if cache.drop_node(body) else ()),
            lambda listed: _swept(cache.apps if cache.sweep_nodes(listed) else ()),
            lasts=45.0,
            of_all=True,
        ),
    ]


def _apps(cache: Cache) -> Watch:
    store = cache.apps

    def put(body: Json) -> News:
        key = key_of(body)
        before = store.get(key)
        return ((key, _lane(before, body)),) if cache.put_app(body) else ()

    return Watch(
        APPS,
        put,
        lambda body: _swept([key_of(body)] if store.drop(body) else ()),
        lambda listed: _swept(store.sweep(listed)),
    )


def _children(kind: Kind, store: Store) -> Watch:
    """A child has the key of its app."""
    return Watch(
        kind,
        lambda body: _swept([key_of(body)] if store.put(body) else ()),
        lambda body: _swept([key_of(body)] if store.drop(body) else ()),
        lambda listed: _swept(store.sweep(listed)),
    )


def _swept(keys: Iterable[Key]) -> News:
    return ((key, Lane.SWEEP) for key in keys)


def _lane(before: Json | None, body: Json) -> Lane:
    """How soon an app is to be worked on: what somebody waits for goes before what is swept."""
    meta = body["metadata"]
    if before is None:
        answered = (body.get("status") or {}).get("observedGeneration", -1)
        return Lane.SWEEP if answered == meta["generation"] else Lane.NEW
    if before["metadata"].get("generation") != meta["generation"]:
        return Lane.CHANGED
    # Handing over a foreign object is done by an annotation; one that goes is to be left alone.
    changed = "deletionTimestamp" in meta or before["metadata"]["uid"] != meta["uid"]
    return Lane.CHANGED if changed else Lane.SWEEP
