"""Pure: what of a wanted object is missing from, or different in, the live one.

A plain comparison would differ for ever, because the API server normalises what it stores: `1000m`
becomes `1`, empty values are dropped, defaults are added. So the wanted object must be found in
the live one, where quantities are compared by value and an empty value equals an absent one.
"""

from collections.abc import Iterator
from typing import Any

from kubernetes.utils.quantity import parse_quantity

from exposedapp.api.meta import Json

# By what the items of a list are told apart (the API's own patchMergeKeys), most telling first.
MERGE_KEYS = (
    ("containerPort", "protocol"),
    ("port", "protocol"),
    ("uid",),
    ("mountPath",),
    ("name",),
)

ATOMIC_MAPS = frozenset({"selector", "nodeSelector", "matchLabels"})
"""Fields that apply sets as a whole (x-kubernetes-map-type: atomic): nobody can add to them."""

QUANTITY_FIELDS = frozenset({"requests", "limits", "divisor", "sizeLimit"})


def drift(wanted: Any, live: Any, path: str = "") -> Iterator[str]:
    """Yields the path of every field of `wanted` that `live` does not have, or has otherwise."""
    if isinstance(wanted, dict):
        if path.rpartition(".")[2] in ATOMIC_MAPS and isinstance(live, dict) and wanted != live:
            yield path
            return
        source = live if isinstance(live, dict) else {}
        for key, value in wanted.items():
            yield from drift(value, source.get(key), f"{path}.{key}" if path else key)
    elif isinstance(wanted, list):
        items = live if isinstance(live, list) else []
        for index, item in enumerate(wanted):
            yield from drift(item, _counterpart(item, index, items), f"{path}[{index}]")
    elif wanted != live and (wanted or live) and not _same_quantity(wanted, live, path):
        yield path


def surplus_ports(wanted: Json, live: Json) -> bool:
    """Whether a live Service has ports that are not wanted."""
    keys = {(it["port"], it["protocol"]) for it in wanted["spec"].get("ports") or ()}
    found = {(it["port"], it.get("protocol", "TCP")) for it in live["spec"].get("ports") or ()}
    return bool(found - keys)


def _counterpart(item: Any, index: int, items: list[Any]) -> Any:
    if isinstance(item, dict):
        for keys in MERGE_KEYS:
            if all(key in item for key in keys):
                identity = [item[key] for key in keys]
                return next((it for it in items if [it.get(k) for k in keys] == identity), None)
    return items[index] if index < len(items) else None


def _same_quantity(wanted: Any, live: Any, path: str) -> bool:
    if wanted is None or live is None or not QUANTITY_FIELDS & set(path.split(".")):
        return False
    try:
        return bool(parse_quantity(wanted) == parse_quantity(live))
    except ValueError:
        return False
