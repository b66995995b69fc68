"""Pure: under which addresses an app can be reached, from its Service, its pods and the nodes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from exposedapp import nodes
from exposedapp.api import ExposedAppSpec, NodesStatus, PortStatus
from exposedapp.labels import Identity
from exposedapp.nodes import Node
from exposedapp.resources import NODE_PORT_TYPES, PortKey
from exposedapp.schema import Json
from exposedapp.service import LoadBalancerStatus, Port

PROTOCOL_SCHEMES = {"TCP": "http", "UDP": "udp", "SCTP": "sctp"}
APP_PROTOCOL_SCHEMES = {
    "http": "http",
    "https": "https",
    "grpc": "grpc",
    "kubernetes.io/h2c": "http",
    "kubernetes.io/ws": "ws",
    "kubernetes.io/wss": "wss",
}
"""Source: KEP-3726, standard application protocols, and the names that IANA has for these."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One pod behind the Service, from its EndpointSlices."""

    pod: str
    ready: bool
    terminating: bool
    node: str | None = None
    ports: frozenset[str] = frozenset()
    """The names of the Service's ports that the pod really has; "" for one without a name."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the app is: fields of its status. An empty one says that there is no such address."""

    url: str | None = None
    urls: Sequence[str] = ()
    nodes: NodesStatus | None = None
    ports: Sequence[PortStatus] = ()
    cluster_ips: Sequence[str] = ()
    cluster_url: str | None = None
    proxy_path: str | None = None
    load_balancer: LoadBalancerStatus | None = None
    why_no_node: str | None = None
    """Why no node is listed although the Service has node ports."""
    pods_decide: bool = False
    """Whether nodes would be listed as soon as they ran a ready pod."""


def find(
    app: Identity,
    spec: ExposedAppSpec | None,
    service: Json,
    endpoints: Sequence[Endpoint],
    known: Iterable[Node],
    before: str | None,
) -> Addresses:
    """The addresses of an app with this Service; `before` is the url that it had."""
    body, status = service["spec"], service.get("status") or {}
    ports = [_port(it) for it in body.get("ports") or ()]
    asked: dict[PortKey, Port] = {
        (it.port, it.protocol): it for it in (spec.ports if spec else None) or ()
    }
    # The first TCP port is the one a person means, else the first of all.
    main = next((port for port in ports if port.protocol == "TCP"), next(iter(ports), None))
    inside = _inside(app, main, asked, body["type"])
    if body["type"] not in NODE_PORT_TYPES:
        return Addresses(
            url=inside[0],
            ports=ports,
            cluster_ips=[it for it in body.get("clusterIPs") or () if it != "None"],
            cluster_url=inside[0],
            proxy_path=inside[1],
        )
    families = body.get("ipFamilies") or ["IPv4"]
    local = body.get("externalTrafficPolicy") == "Local"
    standing = {it.node or "" for it in endpoints if it.ready and not it.terminating}
    with_pods = standing if local else None
    hindrances = {it: nodes.why_not(it, families, with_pods) for it in known}
    eligible = [it for it, why in hindrances.items() if why is None]
    listed = nodes.choose(app.uid, eligible)
    hosts = [host for node in listed for host in nodes.hosts(node, families)]
    ingress = (status.get("loadBalancer") or {}).get("ingress") or []
    balancers = [it.get("ip") or it.get("hostname") for it in ingress]
    from_balancer = _urls(ports, asked, balancers, by_node=False)
    from_nodes = _urls(ports, asked, hosts, by_node=True)
    best = _urls([main], asked, balancers, by_node=False) if main else []
    best = best or (_urls([main], asked, hosts, by_node=True) if main else [])
    return Addresses(
        url=before if before in best else next(iter(best), None),
        urls=sorted(from_balancer + from_nodes),
        nodes=NodesStatus(eligible=len(eligible), listed=len(listed)),
        ports=ports,
        cluster_ips=[it for it in body.get("clusterIPs") or () if it != "None"],
        cluster_url=inside[0],
        proxy_path=inside[1],
        load_balancer=LoadBalancerStatus.model_validate({"ingress": ingress}) if ingress else None,
        why_no_node=None if listed else _why_none(hindrances.values()),
        pods_decide=local and any(nodes.why_not(it, families) is None for it in hindrances),
    )


def _port(body: Json) -> PortStatus:
    return PortStatus(
        name=body.get("name"),
        port=body["port"],
        target_port=body["targetPort"],
        node_port=body.get("nodePort"),
        protocol=body.get("protocol", "TCP"),
    )


def _inside(
    app: Identity, main: PortStatus | None, asked: Mapping[PortKey, Port], kind: str
) -> tuple[str | None, str | None]:
    """The URL inside the cluster, and the path at the API server."""
    if main is None:
        return None, None
    scheme = _scheme(main, asked)
    url = f"{scheme}://{app.name}.{app.namespace}.svc:{main.port}"
    if main.protocol != "TCP" or kind == "ExternalName":
        return url, None  # the API server passes on HTTP only, and to pods only
    name = f"https:{app.name}" if scheme == "https" else app.name
    return url, f"/api/v1/namespaces/{app.namespace}/services/{name}:{main.port}/proxy/"


def _scheme(port: PortStatus, asked: Mapping[PortKey, Port]) -> str:
    wanted = asked.get((port.port, port.protocol))
    by_protocol = PROTOCOL_SCHEMES[port.protocol]
    if wanted is None:
        return by_protocol
    if wanted.scheme or port.protocol != "TCP":
        return wanted.scheme or by_protocol
    return APP_PROTOCOL_SCHEMES.get(wanted.app_protocol or "", by_protocol)


def _urls(
    ports: Sequence[PortStatus],
    asked: Mapping[PortKey, Port],
    hosts: Sequence[str],
    *,
    by_node: bool,
) -> list[str]:
    """The URLs of these ports at these hosts, with the node ports or the app's own, sorted."""
    found = []
    for port in ports:
        wanted = asked.get((port.port, port.protocol))
        path = (wanted.path if wanted else None) or ""
        if number := port.node_port if by_node else port.port:
            found += [f"{_scheme(port, asked)}://{_host(host)}:{number}{path}" for host in hosts]
    return sorted(found)


def _host(host: str) -> str:
    """An IPv6 address is put in brackets (RFC 3986)."""
    return f"[{host}]" if ":" in host else host


def _why_none(hindrances: Iterable[str | None]) -> str:
    counts: dict[str, int] = {}
    for why in hindrances:
        if why is not None:
            counts[why] = counts.get(why, 0) + 1
    told = ", ".join(f"{count} {why}" for why, count in sorted(counts.items()))
    return f"No node forwards to the app: {told or 'there are no nodes'}."
