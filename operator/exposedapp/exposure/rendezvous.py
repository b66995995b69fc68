# SPDX-License-Identifier: Apache-2.0
"""Rendezvous hashing: which nodes an app prefers. Pure."""

import hashlib
import heapq
from collections.abc import Iterable


def select_nodes(uid: str, names: Iterable[str], limit: int) -> list[str]:
    """At most `limit` of the nodes, the preferred one first, by the app's own order of all nodes.

    The orders of different apps spread them evenly. When a node is added or removed, only the apps
    that list it change (Thaler and Ravishankar, 1998). Any prefix of the order is as stable.
    """
    seed = hashlib.blake2b(f"{uid}/".encode(), digest_size=8)

    def weight(name: str) -> bytes:
        name_hash = seed.copy()
        name_hash.update(name.encode())
        return name_hash.digest()

    return heapq.nsmallest(limit, names, key=weight)
