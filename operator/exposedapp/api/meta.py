# SPDX-License-Identifier: Apache-2.0
"""How objects are identified: the resource's group and kind, keys, labels and annotations.

Imported by every package; pure.
"""

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
    """The key of an app, and of its children: they have the app's name."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


def key_of(body: Json) -> NamespacedName:
    """The key of an object."""
    return NamespacedName(body["metadata"]["namespace"], body["metadata"]["name"])


def version_of(body: Json) -> int:
    """The object's resourceVersion, which orders the states of one object.

    Source: KEP-5504, comparable resource versions; etcd's revisions have always been comparable.
    """
    return int(body["metadata"]["resourceVersion"])


@dataclass(frozen=True, slots=True)
class AppRef:
    """The identity of an app. The UID tells it from an earlier app of the same name."""

    namespace: str
    name: str
    uid: str

    @property
    def key(self) -> NamespacedName:
        """The app's key, and that of its Deployment and its Service."""
        return NamespacedName(self.namespace, self.name)


ChildKind = Literal["Deployment", "Service"]

CHILD_KINDS: tuple[ChildKind, ...] = ("Deployment", "Service")


NAME_LABEL = "exposedapp.dev/name"
"""The identity of an app's pods. The selector has this label only: a selector is immutable."""

APP_NAME_LABEL = "app.kubernetes.io/name"
"""Common in Kubernetes: another manager of an adopted object may have set it to the same value."""

HASH_ANNOTATION = "exposedapp.dev/desired-hash"
"""Hash of the desired child: another one shows that the spec changed, dropped fields included."""

ADOPT_ANNOTATION = "exposedapp.dev/adopt"
"""Set to "true" on an existing Deployment or Service, it lets the app of that name adopt it; set to
"false", the app releases the object, or leaves it alone."""

CONTAINER_ANNOTATION = "exposedapp.dev/container"
"""Which container of an adopted Deployment runs the app's image."""

KEEP_REPLICAS_ANNOTATION = "exposedapp.dev/keep-replicas"
"""Set on a Deployment that had another number of replicas than spec.replicas has by default when it
was adopted: it keeps that number."""

FIELD_MANAGER = "exposedapp"
"""The operator's name in metadata.managedFields."""


def common_labels(app_name: str) -> dict[str, str]:
    """The labels of everything that belongs to the app."""
    return {
        NAME_LABEL: app_name,
        APP_NAME_LABEL: app_name,
        "app.kubernetes.io/managed-by": "exposedapp",
    }


def selector_string(pod_labels: Mapping[str, str]) -> str:
    """Labels as the text of a label selector, for list requests and the scale subresource."""
    return ",".join(f"{key}={value}" for key, value in sorted(pod_labels.items()))
