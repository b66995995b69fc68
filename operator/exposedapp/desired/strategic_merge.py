"""Pure: a partial pod template laid over the generated one, as a strategic merge patch.

Source: https://github.com/kubernetes/community/blob/master/contributors/devel/sig-api-machinery/strategic-merge-patch.md
"""

from typing import Any

from exposedapp.api.meta import Json

MERGE_KEYS = {
    "containers": ("name",),
    "env": ("name",),
    "ports": ("containerPort", "protocol"),
    "claims": ("name",),
}
"""By what the items of a list are told apart. These are the lists that a generated template can
have; any other list is in the overlay alone, and there is nothing to merge it with."""

KEY_DEFAULTS = {"protocol": "TCP"}

DIRECTIVE = "$patch"


class MergeError(Exception):
    """An overlay that cannot be laid over anything. The message names the field."""


class _Absent:
    """What is left of a field that was deleted."""


ABSENT = _Absent()


def strategic_merge(base: Json, overlay: Json, path: str) -> Json:
    """The template with the overlay on it; neither argument is changed.

    Objects merge field by field, lists by their API's keys, other lists and scalars are replaced;
    null and `$patch: delete` remove, `$patch: replace` replaces. A value of a wrong kind is kept:
    the API server refuses it in its own words. Raises MergeError for a directive that is not
    known here; `path` is how its message begins.
    """
    merged = _object(base, overlay, path)
    return {} if merged is ABSENT else merged


def _merge(base: Any, overlay: Any, field: str, path: str) -> Any:
    if overlay is None:
        return ABSENT
    if isinstance(overlay, dict):
        return _object(base if isinstance(base, dict) else {}, overlay, path)
    if isinstance(overlay, list):
        return _list(base if isinstance(base, list) else [], overlay, field, path)
    return overlay


def _object(base: Json, overlay: Json, path: str) -> Any:
    result = {} if _directive(overlay, path) == "replace" else dict(base)
    if _directive(overlay, path) == "delete":
        return ABSENT
    for key, value in overlay.items():
        if key == DIRECTIVE:
            continue
        if key.startswith("$"):
            raise MergeError(f"{path}.{key}: only {DIRECTIVE} is understood here")
        merged = _merge(result.get(key), value, key, f"{path}.{key}")
        if merged is ABSENT:
            result.pop(key, None)
        else:
            result[key] = merged
    return result


def _list(base: list[Any], overlay: list[Any], field: str, path: str) -> list[Any]:
    replaces = {DIRECTIVE: "replace"} in overlay
    result = [] if replaces or field not in MERGE_KEYS else list(base)
    for index, item in enumerate(overlay):
        if item == {DIRECTIVE: "replace"}:
            continue
        where = f"{path}[{index}]"
        at = _place(result, item, MERGE_KEYS.get(field, ()))
        merged = _merge(None if at is None else result[at], item, "", where)
        if at is None:
            result += [] if merged is ABSENT else [merged]
        elif merged is ABSENT:
            del result[at]
        else:
            result[at] = merged
    return result


def _place(items: list[Any], item: Any, keys: tuple[str, ...]) -> int | None:
    """Where the item that this one is about is in the list."""
    if not keys or not isinstance(item, dict):
        return None
    for at, candidate in enumerate(items):
        if isinstance(candidate, dict) and all(
            (candidate.get(key) or KEY_DEFAULTS.get(key))
            == (item.get(key) or KEY_DEFAULTS.get(key))
            for key in keys
        ):
            return at
    return None


def _directive(overlay: Json, path: str) -> str | None:
    found = overlay.get(DIRECTIVE)
    if found in (None, "merge", "delete", "replace"):
        return found
    raise MergeError(f"{path}.{DIRECTIVE}: write delete, replace or merge, not {found!r}")
