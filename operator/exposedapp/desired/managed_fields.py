"""Which manager has which field of an object, by its metadata.managedFields.

Called by adoption.py and reconcile/apply.py; pure.

Server-side apply removes a field that is applied no more only if no other manager has it. An entry
lists its fields as FieldsV1: `f:NAME` for a field, `k:{...}` for an item of a list by its keys,
`.` for the field or the item itself (structured-merge-diff, fieldpath/serialize.go).
"""

from exposedapp.api.meta import FIELD_MANAGER, Json

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


def without_own_entries(live: Json) -> list[Json]:
    """The entries of other managers; those of the operator end with its management."""
    return [entry for entry in _entries(live) if not _is_own(entry)] or NO_ENTRIES


def is_label_of_others(live: Json, label: str) -> bool:
    """Whether another manager has set the label, too, to the value that it has."""
    for entry in _entries(live):
        metadata = (entry.get("fieldsV1") or {}).get("f:metadata") or {}
        if not _is_own(entry) and f"f:{label}" in (metadata.get("f:labels") or {}):
            return True
    return False


def _entries(live: Json) -> list[Json]:
    return live["metadata"].get("managedFields") or []


def _is_own(entry: Json) -> bool:
    return entry.get("manager") == FIELD_MANAGER and not entry.get("subresource")


def _union(fields: Json, others: Json) -> Json:
    return fields | {name: _union(fields.get(name) or {}, below) for name, below in others.items()}
