"""URLs at nodes: which nodes an app may list, and how many of their URLs fit. Pure.

Called by urls.py.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from exposedapp.api.meta import AppRef, Json
from exposedapp.api.url_settings import NodesSpec
from exposedapp.exposure.endpoints import Endpoint, nodes_with_ready_pods
from exposedapp.exposure.external_url import ExternalUrl, UrlOrigin
from exposedapp.exposure.node_selection import Eligibility, NodeIndex
from exposedapp.exposure.port_urls import PortUrls
from exposedapp.exposure.rendezvous import select_nodes
from exposedapp.exposure.url_budget import url_size, within_budget


@dataclass(frozen=True, slots=True)
class SelectedNodes:
    """The nodes that an app lists as far as their URLs fit."""

    eligible: int = 0
    hosts: Sequence[Sequence[str]] = ()
    """The addresses of each node, the preferred node first."""
    override: str | None = None
    """The host that stands for all of them."""
    no_node_reason: str | None = None
    local_pods_required: bool = False


NO_NODES = SelectedNodes()


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
    selected: Sequence[str]
    if local:
        running = nodes_with_ready_pods(endpoints)
        names = [name for name in running if eligibility.hosts(name) is not None]
        eligible, selected = len(names), select_nodes(app.uid, names, nodes_spec.limit)
    else:
        eligible = eligibility.count
        selected = eligibility.select(app.uid, nodes_spec.limit)
    return SelectedNodes(
        eligible=eligible,
        hosts=[eligibility.hosts(name) or () for name in selected],
        override=nodes_spec.host,
        no_node_reason=None if selected else _no_node_reason(eligibility),
        local_pods_required=local and eligibility.count > 0,
    )


def fit_node_urls(
    nodes: SelectedNodes, ports: Sequence[PortUrls], budget: int
) -> tuple[list[ExternalUrl], int]:
    """The URLs at nodes within `budget` bytes, and the number of nodes that they belong to.

    Whole nodes are listed in the app's own order while they fit, so that a node that is added,
    removed or changed displaces the last one at most. If the first node alone exceeds the budget,
    as many of its URLs as fit are listed.
    """
    if nodes.override and nodes.hosts:
        urls = _node_urls(ports, [nodes.override])
        return within_budget(urls, budget), len(nodes.hosts)
    # "::" brings the brackets of IPv6, the longest that a URL is apart from its host.
    bytes_per_host = sum(map(url_size, _node_urls(ports, ["::"])))
    listed_hosts: dict[str, None] = {}  # a set with an order; two nodes may share an address
    bytes_left = budget
    for listed, hosts in enumerate(nodes.hosts):
        new_hosts = [host for host in hosts if host not in listed_hosts]
        bytes_left -= bytes_per_host * len(new_hosts) + len(ports) * len("".join(new_hosts))
        if bytes_left < 0 and not listed:
            return within_budget(_node_urls(ports, new_hosts), budget), 1
        if bytes_left < 0:
            return list(_node_urls(ports, listed_hosts)), listed
        listed_hosts.update(dict.fromkeys(new_hosts))
    return list(_node_urls(ports, listed_hosts)), len(nodes.hosts)


def _node_urls(ports: Iterable[PortUrls], hosts: Collection[str]) -> Iterator[ExternalUrl]:
    for port in ports:
        for host in hosts:
            yield ExternalUrl(port.url(host, port.node_port or 0), port, host, UrlOrigin.NODE)


def _no_node_reason(eligibility: Eligibility) -> str:
    counts = eligibility.ineligible_counts()
    if eligibility.count:
        counts["without a ready pod (externalTrafficPolicy Local)"] = eligibility.count
    reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(counts.items()))
    return f"No eligible node: {reasons or 'there are no nodes'}."
