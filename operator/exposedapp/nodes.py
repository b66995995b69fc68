"""Pure: which nodes forward to an app, and which URLs follow from them."""

import hashlib
import ipaddress
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from exposedapp.schema import Json

ADDRESS_TYPES = ("ExternalIP", "InternalIP")
"""Which kinds of a node's addresses become URLs; per IP family the first one that it has."""

LIMIT = 16
"""At most so many nodes per app are listed: a status must stay small on a large cluster."""


@dataclass(frozen=True, slots=True)
class Node:
    """What of a Node matters for its URLs. Two equal ones give the same URLs."""

    name: str
    ready: bool
    deleting: bool
    addresses: tuple[tuple[str, str], ...]
    """(type, address), in the node's own order."""


def parse_node(body: Json) -> Node:
    """What matters of a Node as the API server sends it."""
    status = body.get("status") or {}
    return Node(
        name=body["metadata"]["name"],
        ready=any(
            condition["type"] == "Ready" and condition["status"] == "True"
            for condition in status.get("conditions") or ()
        ),
        deleting="deletionTimestamp" in body["metadata"],
        addresses=tuple(
            (address["type"], address["address"]) for address in status.get("addresses") or ()
        ),
    )


def why_not(
    node: Node, families: Sequence[str], with_pods: Collection[str] | None = None
) -> str | None:
    """Why a node forwards nothing for an app, in a few words; None when it does.

    `with_pods` are the nodes that run a ready pod of the app, when only those forward
    (externalTrafficPolicy Local).
    """
    if node.deleting:
        return "being deleted"
    if not node.ready:
        return "not ready"
    if not hosts(node, families):
        return f"without an {' or '.join(families)} address"
    if with_pods is not None and node.name not in with_pods:
        return "without a ready pod (externalTrafficPolicy Local)"
    return None


def hosts(node: Node, families: Sequence[str]) -> list[str]:
    """The node's addresses that become URLs: one per IP family of the Service."""
    found = []
    for family in families:
        candidates = (
            address
            for wanted in ADDRESS_TYPES
            for kind, address in node.addresses
            if kind == wanted and _family(address) == family
        )
        if (first := next(candidates, None)) is not None:
            found.append(first)
    return found


def choose(uid: str, nodes: Iterable[Node]) -> list[Node]:
    """At most LIMIT of the nodes, by rendezvous hashing.

    Each app gets its own, evenly spread; when a node comes or goes, only the apps that list it
    change (Thaler and Ravishankar, 1998).
    """
    eligible = list(nodes)
    if len(eligible) <= LIMIT:
        return eligible
    return sorted(
        eligible,
        key=lambda node: hashlib.blake2b(f"{uid}/{node.name}".encode(), digest_size=8).digest(),
    )[:LIMIT]


@lru_cache(maxsize=4096)
def _family(address: str) -> str | None:
    try:
        return f"IPv{ipaddress.ip_address(address).version}"
    except ValueError:
        return None
