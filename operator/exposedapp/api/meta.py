"""Names, labels and keys: how objects are identified."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

GROUP = "exposedapp.dev"

VERSION = "v1alpha1"

API_VERSION = f"{GROUP}/{VERSION}"

KIND = "ExposedApp"

PLURAL = "exposedapps"


Json = dict[str, Any]
"""A Kubernetes object, or a part of one, as the API server sends it."""


class NamespacedName(NamedTuple):
    """What identifies an app and, since they have its name, its children."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


def key_of(body: Json) -> NamespacedName:
    """The key of an object."""
    return NamespacedName(body["metadata"]["namespace"], body["metadata"]["name"])


def version_of(body: Json) -> int:
    """The object's resourceVersion, which orders the states of one object.

    Source: KEP-5504, comparable resource versions; etcd's revisions have always been so.
    """
    return int(body["metadata"]["resourceVersion"])


NAME_LABEL = "exposedapp.dev/name"
"""The identity of an app's pods. The selector is made of this alone: it is immutable."""

HASH_ANNOTATION = "exposedapp.dev/desired-hash"
"""What was last wanted of a child, so that a field dropped from the spec is noticed."""

ADOPT_ANNOTATION = "exposedapp.dev/adopt"
"""By this a Deployment or Service that is there already is handed over to the app of its name."""

CONTAINER_ANNOTATION = "exposedapp.dev/container"
"""Which container of an adopted Deployment runs the app's image."""


@dataclass(frozen=True, slots=True)
class AppRef:
    """Who an app is, apart from what it wants."""

    namespace: str
    name: str
    uid: str


def labels(name: str) -> dict[str, str]:
    """Labels of everything that belongs to the app."""
    return {
        NAME_LABEL: name,
        "app.kubernetes.io/name": name,
        "app.kubernetes.io/managed-by": "exposedapp",
    }


def selector_string(pods: Mapping[str, str]) -> str:
    """The same as text, for list requests and the scale subresource."""
    return ",".join(f"{key}={value}" for key, value in sorted(pods.items()))


ChildKind = Literal["Deployment", "Service"]

CHILD_KINDS: tuple[ChildKind, ...] = ("Deployment", "Service")
