# SPDX-License-Identifier: Apache-2.0
"""The plain manifest of a child, without what the server and the operator add. Pure.

Called by `export`.
"""

from exposedapp.api.meta import ADOPT_ANNOTATION, NAME_LABEL, Json, common_labels
from exposedapp.cli.conversion.defaults import (
    deployment_without_defaults,
    service_without_defaults,
)
from exposedapp.desired.adoption import OWN_ANNOTATIONS

MANAGED_BY_LABEL = "app.kubernetes.io/managed-by"

SERVER_ANNOTATIONS = frozenset(
    {
        "deployment.kubernetes.io/revision",
        "kubectl.kubernetes.io/last-applied-configuration",
        ADOPT_ANNOTATION,
    }
)

ALLOCATED_FIELDS = frozenset({"clusterIP", "clusterIPs", "healthCheckNodePort"})
"""Of a Service: another cluster has other addresses. Its node ports are what users have noted."""


def plain_manifest(live: Json, app_name: str) -> Json:
    """A Deployment or a Service as somebody would write it by hand.

    A Deployment that the operator created keeps its selector, which is immutable, and with it the
    label exposedapp.dev/name of its pods.
    """
    metadata = live["metadata"]
    own_labels = {
        key: value
        for key, value in common_labels(app_name).items()
        if key in (NAME_LABEL, MANAGED_BY_LABEL)
    }
    kept = {
        "name": metadata["name"],
        "namespace": metadata["namespace"],
        "labels": {
            key: value
            for key, value in (metadata.get("labels") or {}).items()
            if own_labels.get(key) != value
        },
        "annotations": {
            key: value
            for key, value in (metadata.get("annotations") or {}).items()
            if key not in OWN_ANNOTATIONS | SERVER_ANNOTATIONS
        },
    }
    return {
        "apiVersion": live["apiVersion"],
        "kind": live["kind"],
        "metadata": {key: value for key, value in kept.items() if value},
        "spec": _plain_spec(live),
    }


def _plain_spec(live: Json) -> Json:
    if live["kind"] == "Deployment":
        return deployment_without_defaults(live["spec"])
    spec = service_without_defaults(live["spec"])
    return {key: value for key, value in spec.items() if key not in ALLOCATED_FIELDS}
