"""Pure: under which addresses an app can be reached, from its Service, its pods and the nodes."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from exposedapp.api.app import ExposedAppSpec, NodesStatus
from exposedapp.api.hosts import parse_host
from exposedapp.api.meta import AppRef, Json
from exposedapp.api.service import NODE_PORT_TYPES, LoadBalancerIngress, LoadBalancerStatus
from exposedapp.api.url_settings import NodesSpec
from exposedapp.exposure.addresses import Exposure
from exposedapp.exposure.endpoints import Endpoint, nodes_with_ready_pods
from exposedapp.exposure.node_selection import Eligibility, NodeIndex, select_nodes
from exposedapp.exposure.port_urls import (
    PortUrls,
    cluster_url_of,
    port_status,
    proxy_path_of,
    service_ports,
)
from exposedapp.exposure.url_budget import (
    BALANCER,
    MAPPED,
    MAX_LOAD_BALANCER_BYTES,
    NODE,
    ExternalUrl,
    byte_budget,
    ingress_size,
    url_size,
    within_budget,
)
from exposedapp.settings import Settings


@dataclass(frozen=True, slots=True)
class _AppNodes:
    """The nodes that an app has to choose from."""

    eligible: int = 0
    hosts: Sequence[Sequence[str]] = ()
    """The addresses of each that may be listed, the preferred node first."""
    override: str | None = None
    """The host that stands for all of them."""
    no_node_reason: str | None = None
    local_pods_required: bool = False


def compute_exposure(
    app: AppRef,
    spec: ExposedAppSpec | None,
    service: Json,
    endpoints: Sequence[Endpoint],
    known: NodeIndex,
    settings: Settings,
) -> Exposure:
    """The addresses of an app with this Service."""
    body = service["spec"]
    ways = service_ports(body, spec)
    inside = _inside(app, body, ways)
    if body["type"] not in NODE_PORT_TYPES:
        return replace(inside, preferred=[inside.cluster_url] if inside.cluster_url else [])
    wanted = (spec and spec.nodes) or NodesSpec()
    numbered = [it for it in ways if it.node_port]
    # Without node ports the nodes do not answer, so nothing about them matters.
    nodes = _choose(app, body, wanted, endpoints, known, settings) if numbered else _AppNodes()
    ingress = _ingress(service)
    balancers = [host for it in ingress if (host := _balancer(it))]
    room = byte_budget(inside, body, ingress)
    elsewhere = within_budget(_elsewhere(ways, nodes, balancers, settings), room // 2)
    at_nodes, listed = _at_nodes(nodes, numbered, room - sum(map(url_size, elsewhere)))
    return replace(
        inside,
        preferred=_best(ways, [*elsewhere, *at_nodes]),
        urls=sorted({it.text for it in (*elsewhere, *at_nodes)}),
        nodes=NodesStatus(eligible=nodes.eligible, listed=listed) if numbered else None,
        load_balancer=LoadBalancerStatus(ingress=ingress) if ingress else None,
        probe_urls=[
            (it.text, it.host, it.way.node_port or 0)
            for it in at_nodes
            if it.way.protocol == "TCP" and _may_try(wanted, settings)
        ],
        # A balancer is a way in: whether it needs the nodes is its own matter.
        no_node_reason=None if balancers else nodes.no_node_reason,
        local_pods_required=nodes.local_pods_required,
    )


def _may_try(wanted: NodesSpec, settings: Settings) -> bool:
    return wanted.host is None or wanted.host in settings.probe_hosts


def _inside(app: AppRef, body: Json, ways: Sequence[PortUrls]) -> Exposure:
    """What does not depend on the nodes."""
    return Exposure(
        ports=[port_status(it) for it in body.get("ports") or ()],
        cluster_ips=[it for it in body.get("clusterIPs") or () if it != "None"],
        cluster_url=next((cluster_url_of(app, it) for it in ways), None),
        proxy_path=None
        if body["type"] == "ExternalName"  # the API server passes on to pods only
        else next((proxy_path_of(app, it) for it in ways), None),
    )


def _best(ways: Sequence[PortUrls], found: Sequence[ExternalUrl]) -> list[str]:
    """The URLs of the main port at the nearest place that has any."""
    of_main = [it for it in found if it.way in ways[:1]]
    nearest = min((it.place for it in of_main), default=None)
    return sorted({it.text for it in of_main if it.place == nearest})


def _choose(
    app: AppRef,
    body: Json,
    wanted: NodesSpec,
    endpoints: Sequence[Endpoint],
    known: NodeIndex,
    settings: Settings,
) -> _AppNodes:
    """The nodes that forward to the app, and which of them it may list."""
    override = wanted.host or settings.nodes_host
    if override != wanted.host:
        wanted = wanted.model_copy(update={"host": override})
    eligibility = known.eligibility(wanted, body.get("ipFamilies") or ["IPv4"])
    local = body.get("externalTrafficPolicy") == "Local"
    if local:
        names = [it for it in nodes_with_ready_pods(endpoints) if it in eligibility.hosts]
        count, chosen = len(names), select_nodes(app.uid, names, wanted.limit)
    else:
        count, chosen = len(eligibility.hosts), eligibility.select(app.uid, wanted.limit)
    return _AppNodes(
        eligible=count,
        hosts=[eligibility.hosts[it] for it in chosen],
        override=override,
        no_node_reason=None if chosen else _why_none(eligibility),
        local_pods_required=local and bool(eligibility.hosts),
    )


def _at_nodes(
    nodes: _AppNodes, ways: Sequence[PortUrls], room: int
) -> tuple[list[ExternalUrl], int]:
    """The URLs at nodes, and of how many nodes they are.

    Whole nodes are taken in the app's own order as long as they fit, so that one that comes, goes
    or changes moves none but the last. Of a node that is too much alone, what fits is taken.
    """
    if nodes.override and nodes.hosts:
        return within_budget(_node_urls(ways, [nodes.override]), room), len(nodes.hosts)
    fixed = sum(map(url_size, _node_urls(ways, ["::"])))  # with brackets, but for the hosts
    taken: dict[str, None] = {}  # two nodes may have one address
    left = room
    for listed, hosts in enumerate(nodes.hosts):
        new = [it for it in hosts if it not in taken]
        left -= fixed * len(new) + len(ways) * len("".join(new))
        if left < 0 and not listed:
            return within_budget(_node_urls(ways, new), room), 1
        if left < 0:
            return list(_node_urls(ways, taken)), listed
        taken.update(dict.fromkeys(new))
    return list(_node_urls(ways, taken)), len(nodes.hosts)


def _node_urls(ways: Iterable[PortUrls], hosts: Collection[str]) -> Iterator[ExternalUrl]:
    for way in ways:
        for host in hosts:
            yield ExternalUrl(way.url(host, way.node_port or 0), way, host, NODE)


def _elsewhere(
    ways: Iterable[PortUrls], nodes: _AppNodes, balancers: Sequence[str], settings: Settings
) -> Iterator[ExternalUrl]:
    """The URLs of the person's own machine, and at load balancers; those of the main port first."""
    for way in ways:
        port = settings.port_mappings.get((way.node_port or 0, way.protocol))
        if port and nodes.hosts:
            yield ExternalUrl(way.url("localhost", port), way, "localhost", MAPPED)
        for host in balancers:
            yield ExternalUrl(way.url(host, way.port), way, host, BALANCER)


def _ingress(service: Json) -> list[LoadBalancerIngress]:
    """The addresses of load balancers; a status has no room for hundreds of them."""
    given = ((service.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ()
    found, left = [], MAX_LOAD_BALANCER_BYTES
    for it in map(LoadBalancerIngress.model_validate, given):
        left -= ingress_size(it)
        if left < 0:
            break
        found.append(it)
    return found


def _balancer(it: LoadBalancerIngress) -> str | None:
    hosts = [parse_host(text.lower()) for text in (it.ip, it.hostname) if text]
    return next((host.text for host in hosts if host), None)


def _why_none(eligibility: Eligibility) -> str:
    counts = dict(eligibility.ineligible_counts)
    if eligibility.hosts:
        counts["without a ready pod (externalTrafficPolicy Local)"] = len(eligibility.hosts)
    told = ", ".join(f"{count} {why}" for why, count in sorted(counts.items()))
    return f"No node forwards to the app: {told or 'there are no nodes'}."
