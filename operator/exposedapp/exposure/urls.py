# SPDX-License-Identifier: Apache-2.0
"""Merges the URLs of all origins into an app's exposure, and fits them into the status. Pure.

Service, endpoints and nodes -> one module per origin -> here -> Exposure. Called by reconcile/.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from exposedapp.api.app import ExposedAppSpec, NodesStatus
from exposedapp.api.hosts import is_loopback
from exposedapp.api.meta import AppRef, Json
from exposedapp.api.service import NODE_PORT_TYPES, LoadBalancerStatus
from exposedapp.api.url_settings import NodesSpec
from exposedapp.exposure.endpoints import Endpoint
from exposedapp.exposure.exposure import Exposure, ProbeCandidate
from exposedapp.exposure.external_ip_urls import external_ip_urls, external_ips
from exposedapp.exposure.external_url import ExternalUrl
from exposedapp.exposure.in_cluster import in_cluster_exposure
from exposedapp.exposure.load_balancer_urls import (
    load_balancer_hosts,
    load_balancer_ingress,
    load_balancer_urls,
)
from exposedapp.exposure.node_selection import NodeIndex
from exposedapp.exposure.node_urls import (
    NO_NODES,
    SelectedNodes,
    fit_node_urls,
    node_urls,
    presume_app_nodes,
    select_app_nodes,
)
from exposedapp.exposure.port_mapping_urls import port_mapping_urls
from exposedapp.exposure.port_urls import PortUrls, service_ports
from exposedapp.exposure.url_budget import url_budget, url_size, within_budget
from exposedapp.settings import Settings

MAX_STAND_INS = 3
"""Nodes whose own addresses are probed where a host stands for all nodes: enough that one that is
down does not matter."""


def compute_exposure(
    app: AppRef,
    spec: ExposedAppSpec | None,
    service: Json,
    endpoints: Sequence[Endpoint],
    nodes: NodeIndex,
    settings: Settings,
) -> Exposure:
    """Where an app with this Service is reachable; `spec` is None when it could not be parsed."""
    service_spec = service["spec"]
    ports = service_ports(service_spec, spec)
    in_cluster = in_cluster_exposure(app, service_spec, ports)
    if service_spec["type"] not in NODE_PORT_TYPES and not external_ips(service_spec):
        preferred = {in_cluster.cluster_url: 0} if in_cluster.cluster_url else {}
        return replace(in_cluster, preferred=preferred)

    nodes_spec = (spec and spec.nodes) or NodesSpec()
    node_ports = [port for port in ports if port.node_port]
    # Without node ports the nodes do not answer, so nothing about them matters.
    selected = NO_NODES
    with_host = _with_default_host(nodes_spec, settings)
    if node_ports and settings.watches_nodes:
        selected = select_app_nodes(app, service_spec, with_host, endpoints, nodes)
    elif node_ports:
        selected = presume_app_nodes(service_spec, with_host, endpoints)
    ingress = load_balancer_ingress(service)
    load_balancers = load_balancer_hosts(ingress)

    budget = url_budget(in_cluster, service_spec, ingress)
    beside_nodes = within_budget(
        _urls_beside_nodes(service_spec, ports, selected, load_balancers, settings), budget // 2
    )
    at_nodes, listed = fit_node_urls(
        selected, node_ports, budget - sum(map(url_size, beside_nodes))
    )
    may_probe = _may_probe(nodes_spec, settings)
    probed = _probed(at_nodes) if may_probe else []
    return replace(
        in_cluster,
        preferred=_preferred(ports, [*beside_nodes, *at_nodes]),
        urls=sorted({url.text for url in (*beside_nodes, *at_nodes)}),
        nodes=NodesStatus(eligible=selected.eligible, listed=listed)
        if node_ports and selected.are_known
        else None,
        load_balancer=LoadBalancerStatus(ingress=ingress) if ingress else None,
        probe_urls=_probe_candidates(probed),
        main_urls=frozenset(url.text for url in probed if url.port in ports[:1]),
        stand_ins=_stand_ins(selected, node_ports) if may_probe else (),
        control_ports=_control_ports(selected, settings.node_name),
        # A load balancer is a way in without nodes; whether it needs them is its own matter.
        no_node_reason=None if load_balancers else selected.no_node_reason,
        local_pods_required=selected.local_pods_required,
    )


def _with_default_host(nodes_spec: NodesSpec, settings: Settings) -> NodesSpec:
    """The spec with the host that the operator's configuration has for all apps without one."""
    if nodes_spec.host or not settings.nodes_host:
        return nodes_spec
    return nodes_spec.model_copy(update={"host": settings.nodes_host})


def _urls_beside_nodes(
    service_spec: Json,
    ports: Iterable[PortUrls],
    selected: SelectedNodes,
    load_balancers: Sequence[str],
    settings: Settings,
) -> Iterator[ExternalUrl]:
    """The URLs at the user's own machine, load balancers and external IPs, the main port first."""
    for port in ports:
        if selected.nodes:  # a mapping leads to a node
            yield from port_mapping_urls(port, settings.port_mappings)
        yield from load_balancer_urls(port, load_balancers)
        yield from external_ip_urls(port, service_spec)


def _preferred(ports: Sequence[PortUrls], urls: Sequence[ExternalUrl]) -> dict[str, int]:
    """The URLs of the main port, of the origin closest to the user that has any, with their ranks.

    In their order of preference.
    """
    main_urls = [url for url in urls if url.port in ports[:1]]
    closest = min((url.origin for url in main_urls), default=None)
    ranked = sorted((url.rank, url.text) for url in main_urls if url.origin == closest)
    return {text: rank for rank, text in ranked}


def _probed(node_urls: Iterable[ExternalUrl]) -> list[ExternalUrl]:
    """The URLs that can be probed. A loopback address is the operator's own pod there."""
    return [url for url in node_urls if url.port.protocol == "TCP" and not is_loopback(url.host)]


def _stand_ins(selected: SelectedNodes, ports: Sequence[PortUrls]) -> Sequence[ProbeCandidate]:
    """What to probe in addition to the host that stands for the nodes; none if there is no host."""
    if not selected.override:
        return ()
    first_hosts = (host for node in selected.nodes for host in node.hosts[:1])
    hosts = dict.fromkeys((host for host in first_hosts if host != selected.override), 0)
    urls = _probed(node_urls(ports[:1], hosts))
    return _probe_candidates(urls[:MAX_STAND_INS])


def _control_ports(selected: SelectedNodes, own_node: str | None) -> dict[str, int]:
    return {
        host: node.kubelet_port
        for node in selected.nodes
        for host in node.hosts
        if node.kubelet_port and node.name != own_node
    }


def _probe_candidates(urls: Iterable[ExternalUrl]) -> list[ProbeCandidate]:
    return [ProbeCandidate(url.text, url.host, url.port.node_port or 0) for url in urls]


def _may_probe(nodes_spec: NodesSpec, settings: Settings) -> bool:
    """Whether the host is no choice of the app's author, or one that the configuration lists."""
    return nodes_spec.host is None or nodes_spec.host in settings.probe_hosts
