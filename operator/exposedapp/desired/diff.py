# SPDX-License-Identifier: Apache-2.0
"""Drift: which fields of a desired object are missing or different in the live one.

Called by reconcile/apply.py before it applies a child, and by child_writer.py; pure.

A plain comparison would differ for ever, because the API server normalises what it stores: `1000m`
becomes `1`, empty values are dropped, defaults are added. So the desired object must be contained
in the live one, where quantities are compared by value and an empty value equals an absent one.
"""

from collections.abc import Iterator
from typing import Any

from kubernetes.utils.quantity import parse_quantity

from exposedapp.api.meta import Json
from exposedapp.desired.merge_rules import ATOMIC_LISTS, ATOMIC_MAPS, item_key
from exposedapp.desired.node_ports import node_ports

QUANTITY_FIELDS = frozenset({"requests", "limits", "divisor", "sizeLimit"})


def drift(desired: Any, live: Any, path: str = "") -> Iterator[str]:
    """The path of every desired field that is missing or different in the live value."""
    if isinstance(desired, dict):
        yield from _map_drift(desired, live, path)
    elif isinstance(desired, list):
        yield from _list_drift(desired, live if isinstance(live, list) else [], path)
    elif not _is_same(desired, live, path):
        yield path


def surplus_ports(desired: Json, live: Json) -> bool:
    """Whether a live Service has ports that the desired one lacks, or node ports that it forbids.

    The API server keeps those that it has allocated before allocateLoadBalancerNodePorts was false.
    """
    desired_ports, live_ports = (body["spec"].get("ports") or [] for body in (desired, live))
    desired_keys = {(port["port"], port["protocol"]) for port in desired_ports}
    live_keys = {(port["port"], port.get("protocol", "TCP")) for port in live_ports}
    surplus = live_keys - desired_keys
    if desired["spec"].get("allocateLoadBalancerNodePorts") is False:
        surplus |= node_ports(live_ports).keys() - node_ports(desired_ports).keys()
    return bool(surplus)


def surplus_strategy(desired: Json, live: Json) -> bool:
    """Whether a live Deployment has rollingUpdate, and the desired strategy must not have it.

    It is a default that apply does not own, so that apply cannot remove it
    (kubernetes/kubernetes#24198).
    """
    strategy, live_strategy = (body["spec"].get("strategy") or {} for body in (desired, live))
    return strategy.get("type") == "Recreate" and bool(live_strategy.get("rollingUpdate"))


def _map_drift(desired: Json, live: Any, path: str) -> Iterator[str]:
    is_map = isinstance(live, dict)
    if is_map and _field(path) in ATOMIC_MAPS and live != desired:
        yield path
        return
    for key, value in desired.items():
        yield from drift(value, live.get(key) if is_map else None, f"{path}.{key}" if path else key)


def _list_drift(desired: list[Any], live: list[Any], path: str) -> Iterator[str]:
    if _field(path) in ATOMIC_LISTS and live != desired:
        yield path
        return
    live_keys = [item_key(_field(path), item) for item in live]
    for index, item in enumerate(desired):
        key = item_key(_field(path), item)
        if key is None:
            counterpart = live[index] if index < len(live) else None
        else:
            counterpart = live[live_keys.index(key)] if key in live_keys else None
        yield from drift(item, counterpart, f"{path}[{index}]")


def _field(path: str) -> str:
    return path.rpartition(".")[2]


def _is_same(desired: Any, live: Any, path: str) -> bool:
    both_empty = not desired and not live
    return desired == live or both_empty or _is_same_quantity(desired, live, path)


def _is_same_quantity(desired: Any, live: Any, path: str) -> bool:
    if desired is None or live is None or not QUANTITY_FIELDS & set(path.split(".")):
        return False
    try:
        return bool(parse_quantity(desired) == parse_quantity(live))
    except (ValueError, ArithmeticError):
        # Decimal reads "sNaN", too, but compares it with nothing (InvalidOperation).
        return False
