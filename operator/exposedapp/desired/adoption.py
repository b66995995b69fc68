"""Adopted children: existing objects that an app takes over with their owner's consent.

What is immutable, or cannot change without a restart of every pod, is kept: the selector, the pods'
labels and the container's name. Pure.
"""

from exposedapp.api.meta import ADOPT_ANNOTATION, CONTAINER_ANNOTATION, NAME_LABEL, AppRef, Json


def is_adoptable(live: Json) -> bool:
    """Whether the object's owner lets the app of its name adopt it."""
    annotations = live["metadata"].get("annotations") or {}
    return bool(annotations.get(ADOPT_ANNOTATION) == "true")


def adopted_deployment(app: AppRef, live: Json | None) -> Json | None:
    """The live Deployment if it was adopted: then its selector is not the operator's."""
    own_selector = {"matchLabels": {NAME_LABEL: app.name}}
    return live if live and live["spec"].get("selector") != own_selector else None


def adopted_pod_labels(adopted: Json) -> dict[str, str]:
    """The labels that the pods of an adopted Deployment keep, and by which its Service selects."""
    selector: Json = adopted["spec"]["selector"]
    pod_labels: dict[str, str] = adopted["spec"]["template"]["metadata"]["labels"]
    # A Service cannot select by expressions: all of the pods' labels stand in for them.
    return pod_labels if selector.get("matchExpressions") else selector["matchLabels"]


def adopted_container(adopted: Json, image: str) -> str:
    """The name of the adopted container that runs the app's image.

    The one that was chosen at the adoption, else the first with this image, else the first.
    """
    annotations = adopted["metadata"].get("annotations") or {}
    chosen: str | None = annotations.get(CONTAINER_ANNOTATION)
    containers = adopted["spec"]["template"]["spec"]["containers"]
    with_image = (container["name"] for container in containers if container["image"] == image)
    return chosen or next(with_image, None) or str(containers[0]["name"])
