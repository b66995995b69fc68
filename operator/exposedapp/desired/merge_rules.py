# SPDX-License-Identifier: Apache-2.0
"""How the API merges the lists and maps of a Deployment and a Service.

Read by strategic_merge.py and diff.py; pure.

Source: listType, listMapKey and mapType in k8s.io/api, core/v1/types.go and meta/v1/types.go.
"""

from typing import Any

MERGE_KEYS: dict[str, tuple[str, ...]] = {
    # A container's port has no `port`, a Service's port has no `containerPort`.
    "ports": ("containerPort", "port", "protocol"),
    "ownerReferences": ("uid",),
    "volumeMounts": ("mountPath",),
    "volumeDevices": ("devicePath",),
    "hostAliases": ("ip",),
    "topologySpreadConstraints": ("topologyKey", "whenUnsatisfiable"),
}
"""By list: the fields that identify an item of it. The items of any other list are identified by
their name (containers, env, volumes, claims, ...) or, where they have none, by their position."""

KEY_DEFAULTS = {"protocol": "TCP"}

ATOMIC_MAPS = frozenset({"selector", "nodeSelector", "matchLabels"})
"""Fields that apply sets as a whole (x-kubernetes-map-type: atomic): no other client can add to
them."""

ATOMIC_LISTS = frozenset({"loadBalancerSourceRanges", "externalIPs"})
"""Lists of which an addition by another client is drift: who can reach the app, and where."""


def item_key(field: str, item: Any) -> tuple[Any, ...] | None:
    """What identifies an item within the list `field`; None: its position."""
    if not isinstance(item, dict):
        return None
    keys = MERGE_KEYS.get(field, ("name",))
    if not any(item.get(key) for key in keys if key not in KEY_DEFAULTS):
        return None
    return tuple(item.get(key) or KEY_DEFAULTS.get(key) for key in keys)
