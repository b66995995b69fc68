"""Pure: which nodes forward to an app, and at which of their addresses."""

import hashlib
import ipaddress
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from exposedapp.api import AddressType, NodesSpec
from exposedapp.schema import Json

EXCLUSION_LABEL = "node.kubernetes.io/exclude-from-external-load-balancers"
CONTROL_PLANE_LABELS = ("node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master")
IP_TYPES = ("ExternalIP", "InternalIP")
"""Types whose addresses have a family; the others are names."""

DYING_TAINTS = (
    "ToBeDeletedByClusterAutoscaler",
    "karpenter.sh/disrupted",
    "node.cloudprovider.kubernetes.io/shutdown",
)
"""What autoscalers and cloud providers put on a node that is about to go."""


@dataclass(frozen=True, slots=True)
class Node:
    """What of a Node matters for its URLs. Two equal ones give the same URLs."""

    name: str
    ready: bool
    deleting: bool
    addresses: tuple[tuple[str, str], ...]
    """(type, address), in the node's own order."""
    labels: tuple[tuple[str, str], ...] = ()
    dying: str | None = None
    """The taint that says so."""


def parse_node(body: Json) -> Node:
    """What matters of a Node as the API server sends it."""
    meta, status = body["metadata"], body.get("status") or {}
    taints = [it["key"] for it in (body.get("spec") or {}).get("taints") or ()]
    return Node(
        name=meta["name"],
        ready=any(
            condition["type"] == "Ready" and condition["status"] == "True"
            for condition in status.get("conditions") or ()
        ),
        deleting="deletionTimestamp" in meta,
        addresses=tuple(
            (address["type"], address["address"]) for address in status.get("addresses") or ()
        ),
        labels=tuple(sorted((meta.get("labels") or {}).items())),
        dying=next((it for it in taints if it in DYING_TAINTS), None),
    )


def why_not(
    node: Node,
    wanted: NodesSpec,
    families: Sequence[str],
    with_pods: Collection[str] | None = None,
) -> str | None:
    """Why a node is not listed for an app, in a few words; None when it is.

    `with_pods` are the nodes that run a ready pod of the app, when only those forward
    (externalTrafficPolicy Local). A cordoned node forwards. So does a control-plane node, which
    kubeadm labels as excluded so that load balancers leave it alone.
    """
    if node.deleting:
        return "being deleted"
    if node.dying:
        return f"about to go (taint {node.dying})"
    if not node.ready:
        return "not ready"
    labels = dict(node.labels)
    if EXCLUSION_LABEL in labels and not any(it in labels for it in CONTROL_PLANE_LABELS):
        return f"excluded (label {EXCLUSION_LABEL})"
    if not _matches(labels, wanted.selector or {}):
        return "not matching spec.nodes.selector"
    if not hosts(node, wanted.address_types, families):
        types, kinds = " or ".join(wanted.address_types), " or ".join(families)
        return f"without an {kinds} address of type {types}"
    if with_pods is not None and node.name not in with_pods:
        return "without a ready pod (externalTrafficPolicy Local)"
    return None


def _matches(labels: Mapping[str, str], selector: Mapping[str, str]) -> bool:
    return all(labels.get(key) == value for key, value in selector.items())


def hosts(node: Node, types: Sequence[AddressType], families: Sequence[str]) -> list[str]:
    """The node's addresses that become URLs: of its first type, one per IP family of the Service.

    One type alone, or a node with a public address would show an internal one of the other family
    too. Of several addresses of one type the first is taken; a name is good for all families.
    """
    for wanted in types:
        first: dict[str | None, str] = {}
        for kind, address in node.addresses:
            if kind == wanted:
                first.setdefault(_family(address), address)
        if wanted in IP_TYPES:
            found = [first[family] for family in families if family in first]
        else:
            found = list(first.values())[:1]
        if found:
            return found
    return []


def choose(uid: str, nodes: Iterable[Node], limit: int) -> list[Node]:
    """At most so many of the nodes, by rendezvous hashing.

    Each app gets its own, evenly spread; when a node comes or goes, only the apps that list it
    change (Thaler and Ravishankar, 1998).
    """
    eligible = list(nodes)
    if len(eligible) <= limit:
        return eligible
    return sorted(
        eligible,
        key=lambda node: hashlib.blake2b(f"{uid}/{node.name}".encode(), digest_size=8).digest(),
    )[:limit]


@lru_cache(maxsize=4096)
def _family(address: str) -> str | None:
    """IPv4 or IPv6; None for a name."""
    try:
        return f"IPv{ipaddress.ip_address(address).version}"
    except ValueError:
        return None
