# SPDX-License-Identifier: Apache-2.0
"""URLs at nodes: which nodes an app may list, and how many of their URLs fit. Pure.

Called by urls.py.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from exposedapp.api.meta import AppRef, Json
from exposedapp.api.url_settings import NodesSpec
from exposedapp.exposure.endpoints import Endpoint, nodes_with_ready_pods
from exposedapp.exposure.external_url import ExternalUrl, UrlOrigin
from exposedapp.exposure.node_groups import ALL_NODES
from exposedapp.exposure.node_selection import Eligibility, NodeIndex
from exposedapp.exposure.port_urls import PortUrls
from exposedapp.exposure.url_budget import url_size, within_budget


@dataclass(frozen=True, slots=True)
class SelectedNode:
    """A node that an app lists as far as its URLs fit."""

    name: str
    hosts: Sequence[str]
    rank: int
    """The position of its addresses' type in spec.nodes.addressTypes."""
    kubelet_port: int | None = None


@dataclass(frozen=True, slots=True)
class SelectedNodes:
    """The nodes that an app lists as far as their URLs fit."""

    eligible: int = 0
    nodes: Sequence[SelectedNode] = ()
    """The preferred node first."""
    override: str | None = None
    """The host that stands for all of them."""
    no_node_reason: str | None = None
    local_pods_required: bool = False
    are_known: bool = True
    """False: Nodes are not watched, and one stands for those that there are."""


NO_NODES = SelectedNodes()

NO_LOCAL_POD = "No eligible node: none has a ready pod (externalTrafficPolicy Local)."


def select_app_nodes(
    app: AppRef,
    service_spec: Json,
    nodes_spec: NodesSpec,
    endpoints: Sequence[Endpoint],
    nodes: NodeIndex,
) -> SelectedNodes:
    """The nodes that forward to the app, at most nodes_spec.limit of them."""
    eligibility = nodes.eligibility(nodes_spec, service_spec.get("ipFamilies") or ["IPv4"])
    local = service_spec.get("externalTrafficPolicy") == "Local"
    among = nodes.nodes_named(nodes_with_ready_pods(endpoints)) if local else ALL_NODES
    selected = eligibility.select(app.uid, nodes_spec.limit, among)
    return SelectedNodes(
        eligible=(eligibility.nodes & among).bit_count(),
        nodes=[
            SelectedNode(
                node.name, eligibility.hosts(node), eligibility.rank(node), node.kubelet_port
            )
            for node in map(eligibility.node, selected)
            if node
        ],
        override=nodes_spec.host,
        no_node_reason=None if selected else _no_node_reason(eligibility),
        local_pods_required=local and eligibility.count > 0,
    )


def presume_app_nodes(
    service_spec: Json, nodes_spec: NodesSpec, endpoints: Sequence[Endpoint]
) -> SelectedNodes:
    """Where Nodes are not watched: behind the host there is one that forwards.

    With externalTrafficPolicy Local only while a pod is ready.
    """
    local = service_spec.get("externalTrafficPolicy") == "Local"
    forwards = not local or bool(nodes_with_ready_pods(endpoints))
    return SelectedNodes(
        nodes=[SelectedNode(name="", hosts=(), rank=0)] if forwards else (),
        override=nodes_spec.host,
        no_node_reason=None if forwards else NO_LOCAL_POD,
        local_pods_required=local,
        are_known=False,
    )


def fit_node_urls(
    nodes: SelectedNodes, ports: Sequence[PortUrls], budget: int
) -> tuple[list[ExternalUrl], int]:
    """The URLs at nodes within `budget` bytes, and the number of nodes that they belong to.

    Whole nodes are listed in the app's own order while they fit, so that a node that is added,
    removed or changed displaces the last one at most. If the first node alone exceeds the budget,
    as many of its URLs as fit are listed.
    """
    if nodes.override and nodes.nodes:
        urls = node_urls(ports, {nodes.override: 0})
        return within_budget(urls, budget), len(nodes.nodes)
    # "::" brings the brackets of IPv6, the longest that a URL is apart from its host.
    bytes_per_host = sum(map(url_size, node_urls(ports, {"::": 0})))
    ranks: dict[str, int] = {}  # by host, in the nodes' order; two nodes may share an address
    bytes_left = budget
    for listed, node in enumerate(nodes.nodes):
        new = {host: node.rank for host in node.hosts if host not in ranks}
        bytes_left -= bytes_per_host * len(new) + len(ports) * len("".join(new))
        if bytes_left < 0 and not listed:
            return within_budget(node_urls(ports, new), budget), 1
        if bytes_left < 0:
            return list(node_urls(ports, ranks)), listed
        ranks |= new
    return list(node_urls(ports, ranks)), len(nodes.nodes)


def node_urls(ports: Iterable[PortUrls], ranks: Mapping[str, int]) -> Iterator[ExternalUrl]:
    """The URLs of hosts, port by port, each with the rank of its address type."""
    for port in ports:
        for host, rank in ranks.items():
            url = port.url(host, port.node_port or 0)
            yield ExternalUrl(url, port, host, UrlOrigin.NODE, rank)


def _no_node_reason(eligibility: Eligibility) -> str:
    counts = eligibility.ineligible_counts()
    if eligibility.count:
        counts["without a ready pod (externalTrafficPolicy Local)"] = eligibility.count
    reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(counts.items()))
    return f"No eligible node: {reasons or 'there are no nodes'}."
