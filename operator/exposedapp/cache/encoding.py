# SPDX-License-Identifier: Apache-2.0
"""How objects are kept in memory: stripped to what the operator reads, and encoded as JSON.

Called by the stores. Whatever an app has in it, it can be kept: one whose spec cannot be is kept
without it, with the reason, so that its own reconcile reports InvalidSpec. Pure.
"""

from typing import Any

import orjson

from exposedapp.api.meta import Json

MAX_APP_BYTES = 256 * 1024
"""Size of an app as JSON. All apps are in memory, and whoever may create one could fill it: the API
server accepts 1.5 MiB each. Hardly an app is larger: `kubectl apply` keeps a copy in an annotation,
and all annotations of an object have 256 KiB (TotalAnnotationSizeLimitB in
kubernetes/apimachinery, pkg/api/validation/objectmeta.go)."""

MAX_DEPTH = 254
"""Levels of nesting that orjson writes. The API server accepts 10,000."""

IGNORED_ANNOTATION = "kubectl.kubernetes.io/last-applied-configuration"
"""A second copy of the whole object."""

UNREADABLE = "unreadable"
"""The field of an app kept without its spec that has the reason, in words for its user."""


def encode(body: Json) -> bytes:
    """The part of an object that the operator reads. Raises TypeError when it is not writable."""
    return orjson.dumps(strip(body))


def encode_app(body: Json) -> bytes:
    """An app; without its spec and with the reason when it is too large, too deep or malformed.

    Raises AttributeError, KeyError or TypeError when the metadata is malformed.
    """
    try:
        encoded = encode(body)
    except orjson.JSONEncodeError as error:
        is_deep = "Recursion" in str(error)
        reason = f"it is nested deeper than {MAX_DEPTH} levels" if is_deep else str(error)
        return _without_spec(body, reason)
    if len(encoded) > MAX_APP_BYTES:
        sizes = f"{len(encoded) // 1024} KiB, at most {MAX_APP_BYTES // 1024} KiB are allowed"
        return _without_spec(body, f"the object is too large: {sizes}")
    return encoded


def _without_spec(body: Json, reason: str) -> bytes:
    metadata = _stripped_metadata(body["metadata"])
    metadata.pop("labels", None)
    metadata.pop("annotations", None)
    stub = {"metadata": metadata, "spec": {}, UNREADABLE: f"spec cannot be read: {reason}"}
    try:
        encoded = orjson.dumps({**stub, "status": body.get("status") or {}})
    except orjson.JSONEncodeError:
        encoded = b""
    if encoded and len(encoded) <= MAX_APP_BYTES:
        return encoded
    return orjson.dumps({**stub, "status": {}})


def strip(body: Json) -> Json:
    """The part of an object that the operator reads; UNREADABLE of one that was in memory before.

    The API server prunes that field, so no user can set it.
    """
    kept = {UNREADABLE: body[UNREADABLE]} if UNREADABLE in body else {}
    return {
        "metadata": _stripped_metadata(body["metadata"]),
        "spec": body.get("spec") or {},
        "status": body.get("status") or {},
        **kept,
    }


def _stripped_metadata(metadata: Json) -> Json:
    fields = (
        "name",
        "namespace",
        "uid",
        "resourceVersion",
        "generation",
        "labels",
        "ownerReferences",
        "deletionTimestamp",
    )
    stripped: dict[str, Any] = {field: metadata[field] for field in fields if field in metadata}
    annotations = metadata.get("annotations") or {}
    if kept := {key: text for key, text in annotations.items() if key != IGNORED_ANNOTATION}:
        stripped["annotations"] = kept
    return stripped
