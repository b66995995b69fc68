"""The metadata that both children have. Called by deployment.py and service.py; pure."""

import hashlib
from collections.abc import Mapping

import orjson

from exposedapp.api.meta import API_VERSION, HASH_ANNOTATION, KIND, AppRef, Json


def child_metadata(app: AppRef, labels: Json, annotations: Mapping[str, str]) -> Json:
    """Name, labels, annotations and the owner reference of a child."""
    return {
        "name": app.name,
        "namespace": app.namespace,
        "labels": labels,
        "annotations": dict(annotations),
        "ownerReferences": [
            {
                "apiVersion": API_VERSION,
                "kind": KIND,
                "name": app.name,
                "uid": app.uid,
                "controller": True,
                "blockOwnerDeletion": True,
            }
        ],
    }


def with_hash(child: Json) -> Json:
    """Add an annotation with a hash of the child, so that a dropped field is detected."""
    digest = hashlib.sha256(orjson.dumps(child, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]
    child["metadata"]["annotations"][HASH_ANNOTATION] = digest
    return child
