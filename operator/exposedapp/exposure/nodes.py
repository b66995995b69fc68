# SPDX-License-Identifier: Apache-2.0
"""Which nodes forward traffic to an app, and at which of their addresses. Pure.

Called by cache/, which keeps Nodes, by node_selection.py and by the command line.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from exposedapp.api.conditions import find_condition
from exposedapp.api.hosts import Host, parse_host
from exposedapp.api.meta import Json
from exposedapp.api.url_settings import AddressType, NodesSpec

EXCLUSION_LABEL = "node.kubernetes.io/exclude-from-external-load-balancers"

CONTROL_PLANE_LABELS = ("node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master")

RELEVANT_LABELS = (EXCLUSION_LABEL, *CONTROL_PLANE_LABELS)
"""The labels that matter to every app; those of spec.nodes.selector matter to some."""

IP_TYPES = ("ExternalIP", "InternalIP")
"""Types whose addresses have an IP family; the other types are names."""

PLACEHOLDER_ADDRESSES = ("none", "null")
"""Strings that faulty node controllers report instead of a missing address: Python's None, JSON's
null."""

DISRUPTION_TAINTS = (
    "ToBeDeletedByClusterAutoscaler",
    "karpenter.sh/disrupted",
    "node.cloudprovider.kubernetes.io/shutdown",
)
"""Taints of autoscalers and cloud providers on a node that is being removed."""

MAX_CACHED_HOSTS = 20_000
"""5,000 nodes times four combinations of address types and IP families; about 6 MB."""

NOT_MATCHING = "not matching spec.nodes.selector"


@dataclass(frozen=True, slots=True)
class Node:
    """The parts of a Node that its URLs depend on. Equal nodes give equal URLs."""

    name: str
    ready: bool
    deleting: bool
    addresses: tuple[tuple[str, str], ...]
    """(type, address), in the node's own order."""
    labels: tuple[tuple[str, str], ...] = ()
    disruption_taint: str | None = None
    kubelet_port: int | None = None

    def with_labels(self, keys: Collection[str]) -> "Node":
        """The node with these of its labels only."""
        return replace(self, labels=tuple(label for label in self.labels if label[0] in keys))


def parse_node(body: Json) -> Node:
    """A Node as the API server sends it, reduced to what its URLs depend on."""
    meta, status = body["metadata"], body.get("status") or {}
    ready = find_condition(status.get("conditions"), "Ready")
    taints = [taint["key"] for taint in (body.get("spec") or {}).get("taints") or ()]
    kubelet = (status.get("daemonEndpoints") or {}).get("kubeletEndpoint") or {}
    return Node(
        name=meta["name"],
        ready=ready is not None and ready["status"] == "True",
        deleting="deletionTimestamp" in meta,
        addresses=tuple(
            (address["type"], address["address"]) for address in status.get("addresses") or ()
        ),
        labels=tuple(sorted((meta.get("labels") or {}).items())),
        disruption_taint=next((taint for taint in taints if taint in DISRUPTION_TAINTS), None),
        kubelet_port=kubelet.get("Port") or None,
    )


def ineligible_reason(node: Node, nodes_spec: NodesSpec, families: Sequence[str]) -> str | None:
    """Why a node is not eligible for an app, in a few words; None if it is eligible."""
    if reason := not_forwarding_reason(node):
        return reason
    if not _matches(dict(node.labels), nodes_spec.selector or {}):
        return NOT_MATCHING
    # With another host in front, the node's addresses do not matter.
    return None if nodes_spec.host else no_address_reason(node, nodes_spec.address_types, families)


def not_forwarding_reason(node: Node) -> str | None:
    """Why a node forwards to no app, in a few words; None if it forwards.

    A cordoned node forwards. So does a control-plane node, which kubeadm labels as excluded so that
    load balancers leave it alone.
    """
    if node.deleting:
        return "being deleted"
    if node.disruption_taint:
        return f"being removed (taint {node.disruption_taint})"
    if not node.ready:
        return "not ready"
    labels = {key for key, _ in node.labels}
    if EXCLUSION_LABEL in labels and labels.isdisjoint(CONTROL_PLANE_LABELS):
        return f"excluded (label {EXCLUSION_LABEL})"
    return None


def no_address_reason(
    node: Node, types: Sequence[AddressType], families: Sequence[str]
) -> str | None:
    """Why none of a node's addresses can become a URL, in a few words; None if one can."""
    if node_hosts(node, types, families):
        return None
    unusable = any(
        address_type in types and not _usable(address) for address_type, address in node.addresses
    )
    article = "a usable" if unusable else "an"
    return f"without {article} {' or '.join(families)} address of type {' or '.join(types)}"


def node_hosts(node: Node, types: Sequence[AddressType], families: Sequence[str]) -> list[str]:
    """The node's addresses that become URLs: of its first type, one per IP family of the Service.

    One type only, or a node with a public address would also show an internal one of the other
    family. Of several addresses of one type the first counts; a name counts for all families. An
    address that cannot be part of a URL, such as an empty name, is ignored.
    """
    return list(_hosts(node.addresses, tuple(types), tuple(families))[1])


def node_address_type(
    node: Node, types: Sequence[AddressType], families: Sequence[str]
) -> AddressType | None:
    """The type of the addresses that become URLs; None if none can."""
    return _hosts(node.addresses, tuple(types), tuple(families))[0]


@lru_cache(maxsize=MAX_CACHED_HOSTS)
def _hosts(
    addresses: tuple[tuple[str, str], ...],
    types: tuple[AddressType, ...],
    families: tuple[str, ...],
) -> tuple[AddressType | None, Sequence[str]]:
    """The addresses that become URLs, and their type; None and none if no address can."""
    for preferred_type in types:
        usable = [
            _usable(address)
            for address_type, address in addresses
            if address_type == preferred_type
        ]
        first: dict[str | None, str] = {}
        for host in usable:
            if host and (host.family is None or host.family in families):
                first.setdefault(host.family, host.text)
        if preferred_type in IP_TYPES:
            hosts = [first[family] for family in families if family in first]
        else:
            hosts = list(first.values())[:1]
        if hosts:
            return preferred_type, hosts
    return None, []


def _matches(labels: Mapping[str, str], selector: Mapping[str, str]) -> bool:
    return all(labels.get(key) == value for key, value in selector.items())


def _usable(address: str) -> Host | None:
    """The address as URLs have it, in lower case; None if it cannot be part of one."""
    text = address.lower()
    return None if text in PLACEHOLDER_ADDRESSES else parse_host(text)
