"""Pure: which nodes forward to an app, and at which of their addresses."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from exposedapp.api.hosts import Host, parse_host
from exposedapp.api.meta import Json
from exposedapp.api.url_settings import AddressType, NodesSpec

EXCLUSION_LABEL = "node.kubernetes.io/exclude-from-external-load-balancers"

CONTROL_PLANE_LABELS = ("node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master")

RELEVANT_LABELS = (EXCLUSION_LABEL, *CONTROL_PLANE_LABELS)
"""To every app; to some, those of their spec.nodes.selector besides."""

IP_TYPES = ("ExternalIP", "InternalIP")
"""Types whose addresses have a family; the others are names."""

PLACEHOLDER_ADDRESSES = ("none", "null")
"""What a program writes that has no name, such as Python and its JSON."""

DISRUPTION_TAINTS = (
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
    disruption_taint: str | None = None
    """The taint that says so."""

    def with_labels(self, keys: Collection[str]) -> "Node":
        """The same with these labels alone."""
        return replace(self, labels=tuple(it for it in self.labels if it[0] in keys))


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
        disruption_taint=next((it for it in taints if it in DISRUPTION_TAINTS), None),
    )


def ineligible_reason(
    node: Node,
    wanted: NodesSpec,
    families: Sequence[str],
) -> str | None:
    """Why a node does not forward to an app, in a few words; None when it does.

    A cordoned node forwards. So does a control-plane node, which kubeadm labels as excluded so that
    load balancers leave it alone.
    """
    if node.deleting:
        return "being deleted"
    if node.disruption_taint:
        return f"about to go (taint {node.disruption_taint})"
    if not node.ready:
        return "not ready"
    labels = dict(node.labels)
    if EXCLUSION_LABEL in labels and not any(it in labels for it in CONTROL_PLANE_LABELS):
        return f"excluded (label {EXCLUSION_LABEL})"
    if not _matches(labels, wanted.selector or {}):
        return "not matching spec.nodes.selector"
    # Behind another host it does not matter how a node is called.
    if wanted.host or node_hosts(node, wanted.address_types, families):
        return None
    types, kinds = " or ".join(wanted.address_types), " or ".join(families)
    useless = any(
        kind in wanted.address_types and not _usable(address) for kind, address in node.addresses
    )
    return f"without {'a usable' if useless else 'an'} {kinds} address of type {types}"


def _matches(labels: Mapping[str, str], selector: Mapping[str, str]) -> bool:
    return all(labels.get(key) == value for key, value in selector.items())


def node_hosts(node: Node, types: Sequence[AddressType], families: Sequence[str]) -> list[str]:
    """The node's addresses that become URLs: of its first type, one per IP family of the Service.

    One type alone, or a node with a public address would show an internal one of the other family
    too. Of several addresses of one type the first is taken; a name is good for all families. What
    no URL can have, such as an empty name, is as if it were not there.
    """
    for wanted in types:
        of_type = [_usable(address) for kind, address in node.addresses if kind == wanted]
        first: dict[str | None, str] = {}
        for it in of_type:
            if it and (it.family is None or it.family in families):
                first.setdefault(it.family, it.text)
        if wanted in IP_TYPES:
            found = [first[family] for family in families if family in first]
        else:
            found = list(first.values())[:1]
        if found:
            return found
    return []


def _usable(address: str) -> Host | None:
    """An address as URLs have it, in which capitals mean nothing."""
    text = address.lower()
    return None if text in PLACEHOLDER_ADDRESSES else parse_host(text)
