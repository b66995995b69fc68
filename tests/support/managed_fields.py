# SPDX-License-Identifier: Apache-2.0
"""What apply makes of an object, by the field ownership in its metadata.managedFields.

As much of structured-merge-diff as the API server in memory needs. A field that is applied no more
goes unless another manager has it; what others have added stays. FieldsV1: see
desired/managed_fields.py.
"""

import json
from collections.abc import Iterable
from typing import Any

from exposedapp.api.meta import FIELD_MANAGER, Json

LIST_KEYS = {
    "containers": ("name",),
    "env": ("name",),
    "ownerReferences": ("uid",),
    "volumes": ("name",),
}
"""By what apply tells the items of a list apart; ports: see list_keys. Others are replaced."""

ATOMIC_MAPS = ("selector", "matchLabels", "nodeSelector")

Entries = list[Json]


def entry(manager: str, operation: str, fields: Json) -> Json:
    """An entry of metadata.managedFields."""
    return {"manager": manager, "operation": operation, "fieldsV1": fields}


def fields_of(value: Any, field: str = "") -> Json:
    """Every field that the value has, as FieldsV1."""
    if isinstance(value, list) and (keys := list_keys(field, value)):
        return {_item(keys, item): {".": {}, **fields_of(item)} for item in value}
    if isinstance(value, dict) and field not in ATOMIC_MAPS:
        return {f"f:{name}": fields_of(below, name) for name, below in value.items()}
    return {}


def changed_fields(old: Any, new: Any, field: str = "") -> Json | None:
    """The fields of a new value that the old one does not have so; None when there are none."""
    if old == new:
        return None
    if isinstance(new, list) and isinstance(old, list) and (keys := list_keys(field, new)):
        before = {_item(keys, item): item for item in old}
        added = {_item(keys, item): {".": {}, **fields_of(item)} for item in new}
        changed = {
            name: changed_fields(before[name], item)
            for item in new
            if (name := _item(keys, item)) in before
        }
    elif isinstance(new, dict) and isinstance(old, dict) and field not in ATOMIC_MAPS:
        added = {}
        changed = {
            f"f:{name}": changed_fields(old.get(name), value, name) for name, value in new.items()
        }
    else:
        return fields_of(new, field)
    fields = {**added, **changed}
    return {name: below for name, below in fields.items() if below is not None} or None


def union(fields: Iterable[Json]) -> Json:
    """All of these fields."""
    result: Json = {}
    for other in fields:
        for name, below in other.items():
            result[name] = union([result.get(name, {}), below])
    return result


def own(entries: Entries, operation: str) -> Json:
    """What the operator has applied, or patched."""
    return union(
        each["fieldsV1"]
        for each in entries
        if (each["manager"], each["operation"]) == (FIELD_MANAGER, operation)
    )


def of_others(entries: Entries) -> Json:
    """What apply must not remove: the operator's patches count as others', too."""
    return union(
        each["fieldsV1"]
        for each in entries
        if (each["manager"], each["operation"]) != (FIELD_MANAGER, "Apply")
    )


def with_own(entries: Entries, operation: str, fields: Json) -> Entries:
    """The entries with another one of the operator for this operation, where it has fields."""
    kept = [
        each
        for each in entries
        if (each["manager"], each["operation"]) != (FIELD_MANAGER, operation)
    ]
    return [*kept, *([entry(FIELD_MANAGER, operation, fields)] if fields else [])]


def merged(live: Any, desired: Any, applied: Json, others: Json, field: str = "") -> Any:
    """What apply makes of a live value, given what was applied before and what others have."""
    if isinstance(desired, list) and (keys := list_keys(field, desired)):
        there = {_item(keys, item): item for item in live or ()}
        new = {_item(keys, item): item for item in desired}
        return list(_merged(there, new, applied, others).values())
    if not isinstance(desired, dict) or not isinstance(live, dict) or field in ATOMIC_MAPS:
        return desired
    there = {f"f:{name}": value for name, value in live.items()}
    new = {f"f:{name}": value for name, value in desired.items()}
    result = _merged(there, new, applied, others)
    return {name.removeprefix("f:"): value for name, value in result.items()}


def _merged(live: Json, desired: Json, applied: Json, others: Json) -> Json:
    result = {}
    for name, value in live.items():
        if name not in desired:
            kept = _left(value, applied.get(name), others.get(name), _field(name))
            if kept is not None:
                result[name] = kept
    for name, value in desired.items():
        below = applied.get(name) or {}, others.get(name) or {}
        result[name] = merged(live.get(name), value, *below, field=_field(name))
    return result


def _left(value: Any, applied: Json | None, others: Json | None, field: str) -> Any:
    """What stays of a value that is applied no more; None: nothing."""
    if applied is None:
        return value
    if others is None:
        return None
    if isinstance(value, list) and (keys := list_keys(field, value)):
        return [item for item in value if _item(keys, item) in others] or None
    if isinstance(value, dict) and others.keys() - {"."}:
        return {
            name: _left(below, {}, others[f"f:{name}"], name)
            for name, below in value.items()
            if f"f:{name}" in others
        }
    return value


def list_keys(field: str, items: list[Any]) -> tuple[str, ...]:
    """What identifies an item of a list; nothing where the whole list is one value."""
    if field == "ports" and items:
        return ("port" if "port" in items[0] else "containerPort", "protocol")
    return LIST_KEYS.get(field, ())


def _item(keys: tuple[str, ...], item: Json) -> str:
    values = {key: item.get(key, "TCP") for key in keys}
    return "k:" + json.dumps(values, sort_keys=True, separators=(",", ":"))


def _field(name: str) -> str:
    return name.removeprefix("f:") if name.startswith("f:") else ""
