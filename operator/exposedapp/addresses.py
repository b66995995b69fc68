"""Pure: under which addresses an app can be reached, from its Service, its pods and the nodes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from exposedapp.api import ExposedAppSpec, NodesSpec, NodesStatus, PortStatus
from exposedapp.labels import Identity
from exposedapp.nodes import Nodes, Survey, choose
from exposedapp.resources import NODE_PORT_TYPES
from exposedapp.schema import Json
from exposedapp.service import LoadBalancerStatus, Port
from exposedapp.settings import Settings

MOST_URL_BYTES = 64_000
"""A status must stay well below the 1.5 MiB that etcd takes, and below what a person can read."""

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

    best: Sequence[str] = ()
    """The URLs of which one is the url to click."""
    urls: Sequence[str] = ()
    nodes: NodesStatus | None = None
    ports: Sequence[PortStatus] = ()
    cluster_ips: Sequence[str] = ()
    cluster_url: str | None = None
    proxy_path: str | None = None
    load_balancer: LoadBalancerStatus | None = None
    to_try: Sequence[tuple[str, str, int]] = ()
    """(URL, host, port) of the node URLs that can be tried: TCP, at a host that may be."""
    why_no_node: str | None = None
    """Why no node is listed although the Service has node ports."""
    pods_decide: bool = False
    """Whether nodes would be listed as soon as they ran a ready pod."""


@dataclass(frozen=True, slots=True)
class _Way:
    """A port of the Service, with what its URLs begin and end with."""

    port: int
    node_port: int | None
    protocol: str
    scheme: str
    path: str

    def url(self, host: str) -> str:
        """Its URL at an address that is the app's own: its load balancer's."""
        return f"{self.scheme}://{_host(host)}:{self.port}{self.path}"

    def node_url(self, host: str, port: int | None = None) -> str:
        """Its URL at a node, or where another port leads to its node port."""
        return f"{self.scheme}://{_host(host)}:{port or self.node_port}{self.path}"


def find(
    app: Identity,
    spec: ExposedAppSpec | None,
    service: Json,
    endpoints: Sequence[Endpoint],
    known: Nodes,
    settings: Settings,
) -> Addresses:
    """The addresses of an app with this Service."""
    body, status = service["spec"], service.get("status") or {}
    asked = {(it.port, it.protocol): it for it in (spec.ports if spec else None) or ()}
    ports = body.get("ports") or []
    ways = [_way(it, asked.get((it["port"], it.get("protocol", "TCP")))) for it in ports]
    # The first TCP port is the one a person means, else the first of all.
    main = [*[it for it in ways if it.protocol == "TCP"], *ways][:1]
    found = Addresses(
        ports=[_port_status(it) for it in ports],
        cluster_ips=[it for it in body.get("clusterIPs") or () if it != "None"],
        cluster_url=next((_cluster_url(app, it) for it in main), None),
        proxy_path=None
        if body["type"] == "ExternalName"  # the API server passes on to pods only
        else next((_proxy_path(app, it) for it in main), None),
    )
    if body["type"] not in NODE_PORT_TYPES:
        return replace(found, best=[found.cluster_url] if found.cluster_url else [])
    families = body.get("ipFamilies") or ["IPv4"]
    wanted = (spec and spec.nodes) or NodesSpec()
    local = body.get("externalTrafficPolicy") == "Local"
    with_pods = {it.node for it in endpoints if it.ready and not it.terminating}
    survey = known.survey(wanted, families)
    numbered = [it for it in ways if it.node_port]
    limit = min(wanted.limit, _most(numbered, len(families)))
    if local:
        eligible = [it for it in survey.hosts if it in with_pods]
        listed = choose(app.uid, eligible, limit)
    else:
        eligible = list(survey.hosts)
        listed = survey.choose(app.uid, limit)
    override = wanted.host or settings.nodes_host
    hosts = [host for it in listed for host in survey.hosts[it]]
    if override and listed:
        hosts = [override]
    ingress = (status.get("loadBalancer") or {}).get("ingress") or []
    balancers = [host for it in ingress if (host := it.get("ip") or it.get("hostname"))]
    at_balancers = {it: [it.url(host) for host in balancers] for it in ways}
    at_nodes = {it: [it.node_url(host) for host in hosts] for it in numbered}
    mapped = {it: _mapped(it, settings) for it in numbered if listed}
    # The nearest to the person first: their own machine, the balancer, a node.
    near = [sorted(found.get(it, ())) for found in (mapped, at_balancers, at_nodes) for it in main]
    best: list[str] = next(filter(None, near), [])
    return replace(
        found,
        best=best,
        urls=sorted(
            {
                url
                for found in (mapped, at_balancers, at_nodes)
                for urls in found.values()
                for url in urls
            }
        ),
        nodes=NodesStatus(eligible=len(eligible), listed=len(listed)),
        load_balancer=LoadBalancerStatus.model_validate({"ingress": ingress}) if ingress else None,
        to_try=[
            (url, host, it.node_port or 0)
            for it in numbered
            if it.protocol == "TCP" and _may_try(wanted, settings)
            for url, host in zip(at_nodes[it], hosts, strict=True)
        ],
        why_no_node=None if listed else _why_none(survey),
        pods_decide=local and bool(survey.hosts),
    )


def _most(ways: Sequence[_Way], families: int) -> int:
    """How many nodes' URLs fit into a status, however long their paths are."""
    longest = "f" * 64  # more than any address of a node; a name may be longer, and is rare
    size = families * sum(len(it.node_url(longest)) + 5 for it in ways)
    return max(1, MOST_URL_BYTES // max(size, 1))


def _may_try(wanted: NodesSpec, settings: Settings) -> bool:
    return wanted.host is None or wanted.host in settings.probe_hosts


def _mapped(way: _Way, settings: Settings) -> list[str]:
    port = settings.port_mappings.get((way.node_port or 0, way.protocol))
    return [way.node_url("localhost", port)] if port else []


def _port_status(body: Json) -> PortStatus:
    return PortStatus(
        name=body.get("name"),
        port=body["port"],
        target_port=body["targetPort"],
        node_port=body.get("nodePort"),
        protocol=body.get("protocol", "TCP"),
    )


def _way(body: Json, asked: Port | None) -> _Way:
    protocol = body.get("protocol", "TCP")
    spoken = asked.app_protocol if asked else body.get("appProtocol")
    scheme = PROTOCOL_SCHEMES[protocol]
    if protocol == "TCP":
        scheme = APP_PROTOCOL_SCHEMES.get(spoken or "", scheme)
    return _Way(
        body["port"],
        body.get("nodePort"),
        protocol,
        (asked and asked.scheme) or scheme,
        (asked and asked.path) or "",
    )


def _cluster_url(app: Identity, way: _Way) -> str:
    return f"{way.scheme}://{app.name}.{app.namespace}.svc:{way.port}"


def _proxy_path(app: Identity, way: _Way) -> str | None:
    if way.protocol != "TCP":
        return None  # the API server passes on HTTP only
    name = f"https:{app.name}" if way.scheme == "https" else app.name
    return f"/api/v1/namespaces/{app.namespace}/services/{name}:{way.port}/proxy/"


def _host(host: str) -> str:
    """An IPv6 address is put in brackets (RFC 3986)."""
    return f"[{host}]" if ":" in host else host


def _why_none(survey: Survey) -> str:
    counts = dict(survey.hindrances)
    if survey.hosts:
        counts["without a ready pod (externalTrafficPolicy Local)"] = len(survey.hosts)
    told = ", ".join(f"{count} {why}" for why, count in sorted(counts.items()))
    return f"No node forwards to the app: {told or 'there are no nodes'}."
