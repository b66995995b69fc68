# SPDX-License-Identifier: Apache-2.0
"""Which manager has which field of an object, by its metadata.managedFields.

Called by adoption.py and reconcile/child_writer.py; pure.

Server-side apply removes a field that is applied no more only if no other manager has it. An entry
lists its fields as FieldsV1: `f:NAME` for a field, `k:{...}` for an item of a list by its keys,
`.` for the field or the item itself (structured-merge-diff, fieldpath/serialize.go).
"""

import json
from typing import Any

from exposedapp.api.meta import APP_NAME_LABEL, FIELD_MANAGER, Json
from exposedapp.desired.merge_rules import item_key

PARTIAL_FIELDS = frozenset(
    {"metadata", "labels", "annotations", "spec", "template", "containers", "initContainers"}
    | {"resources", "limits", "requests", "securityContext"}
)
"""Fields of which an app may set a part. Others are the app's as a whole: the API server adds
defaults to a probe or a volume, and with these alone it would not be valid."""

NO_ENTRIES: list[Json] = [{}]
"""What removes all entries. Source: Server-side apply, "Clearing managedFields"."""


def with_patches_as_applied(live: Json) -> list[Json] | None:
    """The entries with what the operator has patched counted as applied; None: it patched nothing.

    Patches of a manager are an entry of their own, and to apply that is another manager's: what
    they set would stay for ever. Source: UpgradeManagedFields in client-go, util/csaupgrade.
    """
    entries = _entries(live)
    patched = [entry for entry in entries if _is_own(entry) and entry["operation"] == "Update"]
    if not patched:
        return None
    applied = [entry for entry in entries if _is_own(entry) and entry["operation"] == "Apply"]
    fields: Json = {}
    for entry in (*applied, *patched):
        fields = _union(fields, entry.get("fieldsV1") or {})
    merged = {**(applied or patched)[0], "operation": "Apply", "fieldsV1": fields}
    return [merged, *(entry for entry in entries if not _is_own(entry))]


def without_desired_fields(live: Json, desired: Json) -> list[Json] | None:
    """The entries without what the desired object sets; None when no other manager has any of that.

    Subresources (status, scale) stay theirs, and so does the label that others may set as well.
    """
    metadata = {field: dict(desired["metadata"][field]) for field in ("labels", "annotations")}
    metadata["labels"].pop(APP_NAME_LABEL, None)
    taken = {"metadata": metadata, "spec": desired["spec"]}
    entries = _entries(live)
    remaining = []
    for entry in entries:
        if entry.get("manager") == FIELD_MANAGER or entry.get("subresource"):
            remaining.append(entry)
        elif fields := _remaining(entry.get("fieldsV1") or {}, taken, "metadata"):
            remaining.append({**entry, "fieldsV1": fields})
    return None if remaining == entries else remaining or NO_ENTRIES


def without_own_entries(live: Json) -> list[Json]:
    """The entries of other managers; those of the operator end with its management."""
    return [entry for entry in _entries(live) if not _is_own(entry)] or NO_ENTRIES


def others_have_app_name_label(live: Json) -> bool:
    """Whether another manager has set the label with the app's name, too."""
    for entry in _entries(live):
        metadata = (entry.get("fieldsV1") or {}).get("f:metadata") or {}
        if not _is_own(entry) and f"f:{APP_NAME_LABEL}" in (metadata.get("f:labels") or {}):
            return True
    return False


def _entries(live: Json) -> list[Json]:
    return live["metadata"].get("managedFields") or []


def _is_own(entry: Json) -> bool:
    return entry.get("manager") == FIELD_MANAGER and not entry.get("subresource")


def _remaining(fields: Json, desired: Any, field: str) -> Json:
    """What is left of the fields below `field` without those that the desired value sets."""
    parts: dict[Any, Any]
    if isinstance(desired, list):
        parts = {item_key(field, item): item for item in desired}
    elif isinstance(desired, dict) and field in PARTIAL_FIELDS:
        parts = desired
    else:
        return {}
    remaining = {}
    for name, below in fields.items():
        part = _part(name, field)
        if part not in parts:
            remaining[name] = below
        elif left := _remaining(below, parts[part], part if isinstance(part, str) else field):
            remaining[name] = left
    return remaining if remaining.keys() - {"."} else {}


def _part(name: str, field: str) -> object:
    """The field, or the key of the item, that a name of FieldsV1 stands for."""
    kind, _, text = name.partition(":")
    if kind == "f":
        return text
    return item_key(field, json.loads(text)) if kind == "k" else name


def _union(fields: Json, others: Json) -> Json:
    return fields | {name: _union(fields.get(name) or {}, below) for name, below in others.items()}
