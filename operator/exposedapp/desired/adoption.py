# SPDX-License-Identifier: Apache-2.0
"""Adopted children: existing objects that an app takes over with their owner's consent.

What is immutable, or cannot change without a restart of every pod, is kept: the selector, the pods'
labels and the container's name. So is the number of replicas, unless the spec asks for another.
Pure.
"""

from exposedapp.api.meta import (
    ADOPT_ANNOTATION,
    APP_NAME_LABEL,
    CONTAINER_ANNOTATION,
    HASH_ANNOTATION,
    KEEP_REPLICAS_ANNOTATION,
    NAME_LABEL,
    AppRef,
    Json,
    common_labels,
)
from exposedapp.desired.managed_fields import others_have_app_name_label, without_own_entries

DEFAULT_REPLICAS = 1
"""The API server fills it in, so a spec that has it may not have asked for it."""

OWN_ANNOTATIONS = frozenset({HASH_ANNOTATION, CONTAINER_ANNOTATION, KEEP_REPLICAS_ANNOTATION})
"""What the operator writes on a child that it does not keep on one that it releases."""


def is_adoptable(app: AppRef, live: Json) -> bool:
    """Whether the app may adopt an object that has no controller.

    Its owner lets the app of its name adopt it, or it was the app's: it has the label and the hash
    of a child, whose owner reference a restore from a backup or a deletion of the app with
    --cascade=orphan has removed.
    """
    if is_withheld(live):
        return False
    annotations, labels = annotations_of(live), live["metadata"].get("labels") or {}
    was_child = labels.get(NAME_LABEL) == app.name and HASH_ANNOTATION in annotations
    return was_child or annotations.get(ADOPT_ANNOTATION) == "true"


def is_withheld(live: Json) -> bool:
    """Whether the object's owner forbids the app to manage it."""
    return annotations_of(live).get(ADOPT_ANNOTATION) == "false"


def is_adopted(app: AppRef, live: Json) -> bool:
    """Whether a live Deployment was adopted, or is to be: its selector is not the operator's."""
    return bool(live["spec"].get("selector") != {"matchLabels": {NAME_LABEL: app.name}})


def adopted_deployment(app: AppRef, live: Json | None) -> Json | None:
    """The live Deployment if it was adopted, or is to be."""
    return live if live and is_adopted(app, live) else None


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
    chosen = annotations_of(adopted).get(CONTAINER_ANNOTATION)
    containers = adopted["spec"]["template"]["spec"]["containers"]
    with_image = (container["name"] for container in containers if container["image"] == image)
    return chosen or next(with_image, None) or str(containers[0]["name"])


def keeps_replicas(app: AppRef, adopted: Json, replicas: int) -> bool:
    """Whether an adopted Deployment keeps the number of replicas that it had at its adoption.

    From then on, until the spec asks for another number than the default one.
    """
    if replicas != DEFAULT_REPLICAS:
        return False
    if is_owner(app, adopted):
        return KEEP_REPLICAS_ANNOTATION in annotations_of(adopted)
    return bool(adopted["spec"].get("replicas", DEFAULT_REPLICAS) != DEFAULT_REPLICAS)


def release_changes(app: AppRef, live: Json) -> Json:
    """The changes of a child's metadata with which it is not the app's any more.

    `live` has its managedFields.
    """
    metadata = live["metadata"]
    labels, own_labels = metadata.get("labels") or {}, common_labels(app.name)
    if others_have_app_name_label(live):
        del own_labels[APP_NAME_LABEL]
    return {
        "ownerReferences": [
            reference
            for reference in metadata.get("ownerReferences") or ()
            if reference["uid"] != app.uid
        ],
        "labels": {name: None for name, value in own_labels.items() if labels.get(name) == value},
        "annotations": dict.fromkeys(OWN_ANNOTATIONS & annotations_of(live).keys()),
        "managedFields": without_own_entries(live),
    }


def is_owner(app: AppRef, live: Json) -> bool:
    """Whether the object has an owner reference to the app."""
    references = live["metadata"].get("ownerReferences") or ()
    return any(reference["uid"] == app.uid for reference in references)


def annotations_of(live: Json) -> dict[str, str]:
    """The annotations of an object."""
    return live["metadata"].get("annotations") or {}
