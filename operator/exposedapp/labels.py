"""Pure: who an app is, and by which labels and annotations what belongs to it is known."""

from collections.abc import Mapping
from dataclasses import dataclass

NAME_LABEL = "exposedapp.dev/name"
"""The identity of an app's pods. The selector is made of this alone: it is immutable."""

HASH_ANNOTATION = "exposedapp.dev/desired-hash"
"""What was last wanted of a child, so that a field dropped from the spec is noticed."""

ADOPT_ANNOTATION = "exposedapp.dev/adopt"
"""By this a Deployment or Service that is there already is handed over to the app of its name."""

CONTAINER_ANNOTATION = "exposedapp.dev/container"
"""Which container of an adopted Deployment runs the app's image."""


@dataclass(frozen=True, slots=True)
class Identity:
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
