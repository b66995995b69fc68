"""What is watched, and which apps the news of each kind is about."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from exposedapp.api import GROUP, PLURAL, VERSION
from exposedapp.cache import Cache, Key, Listed, Store, key_of
from exposedapp.labels import NAME_LABEL
from exposedapp.schema import Json

NODES_EVERY_SECONDS = 60.0
OTHERS_EVERY_SECONDS = 600.0
"""How often what is remembered is compared with what there is, see resync.py."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of object, by the names that it has in the API's paths."""

    group: str
    version: str
    plural: str
    labels: str | None = None
    """Only objects with this label are asked for."""


NODES = Kind("", "v1", "nodes")
KINDS = (
    APPS := Kind(GROUP, VERSION, PLURAL),
    DEPLOYMENTS := Kind("apps", "v1", "deployments", NAME_LABEL),
    SERVICES := Kind("", "v1", "services", NAME_LABEL),
    # The EndpointSlice controller copies the label from the Service.
    SLICES := Kind("discovery.k8s.io", "v1", "endpointslices", NAME_LABEL),
    NODES,
)


@dataclass(frozen=True, slots=True)
class Watch:
    """A kind that is watched. Each of the three says which apps it was about."""

    kind: Kind
    put: Callable[[Json], Iterable[Key]]
    drop: Callable[[Json], Iterable[Key]]
    sweep: Callable[[Listed], Iterable[Key]]
    """Given all that there is, forgets what is gone."""
    every: float = OTHERS_EVERY_SECONDS
    of_all: bool = False
    """Whether its news is about all apps: then a burst of it is answered once."""


def watches(cache: Cache) -> list[Watch]:
    """Everything that can make an app's children or its URLs wrong."""
    return [
        _own_key(APPS, cache.apps),
        _own_key(DEPLOYMENTS, cache.children["Deployment"]),
        _own_key(SERVICES, cache.children["Service"]),
        Watch(SLICES, cache.put_slice, cache.drop_slice, cache.sweep_slices),
        Watch(
            NODES,
            lambda body: cache.apps if cache.put_node(body) else (),
            lambda body: cache.apps if cache.drop_node(body) else (),
            lambda listed: cache.apps if cache.sweep_nodes(listed) else (),
            NODES_EVERY_SECONDS,
            of_all=True,
        ),
    ]


def _own_key(kind: Kind, store: Store) -> Watch:
    """An app and its children have one key."""
    return Watch(
        kind,
        lambda body: (key_of(body),) if store.put(body) else (),
        lambda body: (key_of(body),) if store.drop(body) else (),
        store.sweep,
    )
