"""What is watched, and which apps the news of each kind is about."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from exposedapp.api import GROUP, PLURAL, VERSION
from exposedapp.cache import Cache, Key, Listed, Store, key_of
from exposedapp.cluster import Kind
from exposedapp.labels import NAME_LABEL
from exposedapp.schema import Json

APPS = Kind(GROUP, VERSION, PLURAL)
DEPLOYMENTS = Kind("apps", "v1", "deployments", NAME_LABEL)
SERVICES = Kind("", "v1", "services", NAME_LABEL)
# The EndpointSlice controller copies the label from the Service.
SLICES = Kind("discovery.k8s.io", "v1", "endpointslices", NAME_LABEL)
NODES = Kind("", "v1", "nodes")


@dataclass(frozen=True, slots=True)
class Watch:
    """A kind that is watched. Each of the three says which apps it was about."""

    kind: Kind
    put: Callable[[Json], Iterable[Key]]
    drop: Callable[[Json], Iterable[Key]]
    sweep: Callable[[Listed], Iterable[Key]]
    """Given all that there is, forgets what is gone."""
    lasts: float = 300.0
    """For how many seconds one watch request follows, and at most how long a connection that died
    without a word is taken for silence."""
    of_all: bool = False
    """Whether its news is about all apps: then a burst of it is answered once."""


def watches(cache: Cache) -> list[Watch]:
    """Everything, besides the apps, that can make an app's children or its URLs wrong."""
    return [
        _child(DEPLOYMENTS, cache.children["Deployment"]),
        _child(SERVICES, cache.children["Service"]),
        Watch(SLICES, cache.put_slice, cache.drop_slice, cache.sweep_slices),
        Watch(
            NODES,
            lambda body: cache.apps if cache.put_node(body) else (),
            lambda body: cache.apps if cache.drop_node(body) else (),
            lambda listed: cache.apps if cache.sweep_nodes(listed) else (),
            lasts=45.0,
            of_all=True,
        ),
    ]


def _child(kind: Kind, store: Store) -> Watch:
    """A child has the key of its app."""
    return Watch(
        kind,
        lambda body: (key_of(body),) if store.put(body) else (),
        lambda body: (key_of(body),) if store.drop(body) else (),
        store.sweep,
    )
