# SPDX-License-Identifier: Apache-2.0
"""Strategic merge of spec.podTemplate over the generated one. Called by pod_template.py; pure.

Source: https://github.com/kubernetes/community/blob/master/contributors/devel/sig-api-machinery/strategic-merge-patch.md
"""

from typing import Any

from exposedapp.api.meta import Json
from exposedapp.desired.errors import MergeError
from exposedapp.desired.merge_rules import item_key

GENERATED_LISTS = frozenset({"containers", "env", "ports", "claims"})
"""The lists with keys that a generated template can have. Any other list is in the overlay alone:
it is taken as it is, and the API server refuses duplicates in it."""

DIRECTIVE = "$patch"


class _Deleted:
    """The result of a merge that removes the field or item."""


DELETED = _Deleted()


def strategic_merge(base: Json, overlay: Json, path: str) -> Json:
    """The base with the overlay merged over it; neither argument is changed.

    Maps merge field by field, the lists of a generated template by their keys; other lists and
    scalars are replaced. null and `$patch: delete` remove, `$patch: replace` replaces. A value of
    a wrong type is kept: the API server refuses it in its own words.

    Raises MergeError for a directive that is not supported; its message begins with `path`.
    """
    merged = _merge_map(base, overlay, path)
    return {} if merged is DELETED else merged


def _merge(base: Any, overlay: Any, field: str, path: str) -> Any:
    if overlay is None:
        return DELETED
    if isinstance(overlay, dict):
        return _merge_map(base if isinstance(base, dict) else {}, overlay, path)
    if isinstance(overlay, list):
        return _merge_list(base if isinstance(base, list) else [], overlay, field, path)
    return overlay


def _merge_map(base: Json, overlay: Json, path: str) -> Any:
    directive = _directive(overlay, path)
    if directive == "delete":
        return DELETED
    result = {} if directive == "replace" else dict(base)
    for key, value in overlay.items():
        if key == DIRECTIVE:
            continue
        if key.startswith("$"):
            raise MergeError(f"{path}.{key}: only {DIRECTIVE} is supported here")
        merged = _merge(result.get(key), value, key, f"{path}.{key}")
        if merged is DELETED:
            result.pop(key, None)
        else:
            result[key] = merged
    return result


def _merge_list(base: list[Any], overlay: list[Any], field: str, path: str) -> list[Any]:
    replaces = {DIRECTIVE: "replace"} in overlay
    result = [] if replaces or field not in GENERATED_LISTS else list(base)
    for index, item in enumerate(overlay):
        if item == {DIRECTIVE: "replace"}:
            continue
        position = _position(result, item, field)
        current = None if position is None else result[position]
        merged = _merge(current, item, "", f"{path}[{index}]")
        if position is None:
            result += [] if merged is DELETED else [merged]
        elif merged is DELETED:
            del result[position]
        else:
            result[position] = merged
    return result


def _position(items: list[Any], item: Any, field: str) -> int | None:
    """Where the list has the item that this one merges with; None when it has none."""
    key = item_key(field, item) if field in GENERATED_LISTS else None
    if key is None:
        return None
    keys = (item_key(field, candidate) for candidate in items)
    return next((position for position, other in enumerate(keys) if other == key), None)


def _directive(overlay: Json, path: str) -> str | None:
    directive = overlay.get(DIRECTIVE)
    if directive in (None, "merge", "delete", "replace"):
        return directive
    raise MergeError(f"{path}.{DIRECTIVE}: write delete, replace or merge, not {directive!r}")
