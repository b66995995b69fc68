"""Pure: under which addresses an app can be reached, from its Service, its pods and the nodes."""

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from exposedapp.api import ExposedAppSpec, NodesSpec, NodesStatus, PortStatus
from exposedapp.labels import Identity, selector_string
from exposedapp.nodes import Nodes, Survey, choose
from exposedapp.resources import NODE_PORT_TYPES
from exposedapp.schema import Json, parse_host
from exposedapp.service import LoadBalancerIngress, LoadBalancerStatus, Port
from exposedapp.settings import Settings

MOST_BYTES = 95_000
"""Of a status as JSON: it must stay well below the 1.5 MiB that etcd takes, and below what a person
can read."""
OTHER_BYTES = 28_000
"""Of these, for what is not counted here: the conditions, whose messages status.py keeps short, the
url, and what is small."""
LEAST_BYTES = 5_000
"""What the URLs get in any case: two of the longest have room."""
MOST_BALANCER_BYTES = 8_000
PORT_BYTES, INGRESS_BYTES = 100, 40
"""Of one of these in a status, but for its names."""

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

    def url(self, host: str, port: int) -> str:
        """Its URL where this port of this host leads to it."""
        return f"{self.scheme}://{_host(host)}:{port}{self.path}"


MAPPED, BALANCER, NODE = range(3)
"""Where a URL leads, the nearest to the person first: their own machine, the balancer, a node."""


class _Url(NamedTuple):
    """A URL from outside, with what it was made of."""

    text: str
    way: _Way
    host: str
    place: int


@dataclass(frozen=True, slots=True)
class _AppNodes:
    """The nodes that an app has to choose from."""

    eligible: int = 0
    hosts: Sequence[Sequence[str]] = ()
    """The addresses of each that may be listed, the preferred node first."""
    override: str | None = None
    """The host that stands for all of them."""
    why_none: str | None = None
    pods_decide: bool = False


def find(
    app: Identity,
    spec: ExposedAppSpec | None,
    service: Json,
    endpoints: Sequence[Endpoint],
    known: Nodes,
    settings: Settings,
) -> Addresses:
    """The addresses of an app with this Service."""
    body = service["spec"]
    ways = _ways(body, spec)
    inside = _inside(app, body, ways)
    if body["type"] not in NODE_PORT_TYPES:
        return replace(inside, best=[inside.cluster_url] if inside.cluster_url else [])
    wanted = (spec and spec.nodes) or NodesSpec()
    numbered = [it for it in ways if it.node_port]
    # Without node ports the nodes do not answer, so nothing about them matters.
    nodes = _choose(app, body, wanted, endpoints, known, settings) if numbered else _AppNodes()
    ingress = _ingress(service)
    balancers = [host for it in ingress if (host := _balancer(it))]
    room = _room(inside, body, ingress)
    elsewhere = _fitting(_elsewhere(ways, nodes, balancers, settings), room // 2)
    at_nodes, listed = _at_nodes(nodes, numbered, room - sum(map(_size, elsewhere)))
    return replace(
        inside,
        best=_best(ways, [*elsewhere, *at_nodes]),
        urls=sorted({it.text for it in (*elsewhere, *at_nodes)}),
        nodes=NodesStatus(eligible=nodes.eligible, listed=listed) if numbered else None,
        load_balancer=LoadBalancerStatus(ingress=ingress) if ingress else None,
        to_try=[
            (it.text, it.host, it.way.node_port or 0)
            for it in at_nodes
            if it.way.protocol == "TCP" and _may_try(wanted, settings)
        ],
        # A balancer is a way in: whether it needs the nodes is its own matter.
        why_no_node=None if balancers else nodes.why_none,
        pods_decide=nodes.pods_decide,
    )


def _may_try(wanted: NodesSpec, settings: Settings) -> bool:
    return wanted.host is None or wanted.host in settings.probe_hosts


def _inside(app: Identity, body: Json, ways: Sequence[_Way]) -> Addresses:
    """What does not depend on the nodes."""
    return Addresses(
        ports=[_port_status(it) for it in body.get("ports") or ()],
        cluster_ips=[it for it in body.get("clusterIPs") or () if it != "None"],
        cluster_url=next((_cluster_url(app, it) for it in ways), None),
        proxy_path=None
        if body["type"] == "ExternalName"  # the API server passes on to pods only
        else next((_proxy_path(app, it) for it in ways), None),
    )


def _best(ways: Sequence[_Way], found: Sequence[_Url]) -> list[str]:
    """The URLs of the main port at the nearest place that has any."""
    of_main = [it for it in found if it.way in ways[:1]]
    nearest = min((it.place for it in of_main), default=None)
    return sorted({it.text for it in of_main if it.place == nearest})


# --- at nodes -------------------------------------------------------------------------------------


def _choose(
    app: Identity,
    body: Json,
    wanted: NodesSpec,
    endpoints: Sequence[Endpoint],
    known: Nodes,
    settings: Settings,
) -> _AppNodes:
    """The nodes that forward to the app, and which of them it may list."""
    override = wanted.host or settings.nodes_host
    if override != wanted.host:
        wanted = wanted.model_copy(update={"host": override})
    survey = known.survey(wanted, body.get("ipFamilies") or ["IPv4"])
    local = body.get("externalTrafficPolicy") == "Local"
    if local:
        with_pods = {it.node for it in endpoints if it.ready and not it.terminating}
        names = [it for it in with_pods if it and it in survey.hosts]
        count, chosen = len(names), choose(app.uid, names, wanted.limit)
    else:
        count, chosen = len(survey.hosts), survey.choose(app.uid, wanted.limit)
    return _AppNodes(
        eligible=count,
        hosts=[survey.hosts[it] for it in chosen],
        override=override,
        why_none=None if chosen else _why_none(survey),
        pods_decide=local and bool(survey.hosts),
    )


def _at_nodes(nodes: _AppNodes, ways: Sequence[_Way], room: int) -> tuple[list[_Url], int]:
    """The URLs at nodes, and of how many nodes they are.

    Whole nodes are taken in the app's own order as long as they fit, so that one that comes, goes
    or changes moves none but the last. Of a node that is too much alone, what fits is taken.
    """
    if nodes.override and nodes.hosts:
        return _fitting(_node_urls(ways, [nodes.override]), room), len(nodes.hosts)
    fixed = sum(map(_size, _node_urls(ways, ["::"])))  # with brackets, but for the hosts
    taken: dict[str, None] = {}  # two nodes may have one address
    left = room
    for listed, hosts in enumerate(nodes.hosts):
        new = [it for it in hosts if it not in taken]
        left -= fixed * len(new) + len(ways) * len("".join(new))
        if left < 0 and not listed:
            return _fitting(_node_urls(ways, new), room), 1
        if left < 0:
            return list(_node_urls(ways, taken)), listed
        taken.update(dict.fromkeys(new))
    return list(_node_urls(ways, taken)), len(nodes.hosts)


def _node_urls(ways: Iterable[_Way], hosts: Collection[str]) -> Iterator[_Url]:
    for way in ways:
        for host in hosts:
            yield _Url(way.url(host, way.node_port or 0), way, host, NODE)


# --- elsewhere ------------------------------------------------------------------------------------


def _elsewhere(
    ways: Iterable[_Way], nodes: _AppNodes, balancers: Sequence[str], settings: Settings
) -> Iterator[_Url]:
    """The URLs of the person's own machine, and at load balancers; those of the main port first."""
    for way in ways:
        port = settings.port_mappings.get((way.node_port or 0, way.protocol))
        if port and nodes.hosts:
            yield _Url(way.url("localhost", port), way, "localhost", MAPPED)
        for host in balancers:
            yield _Url(way.url(host, way.port), way, host, BALANCER)


def _ingress(service: Json) -> list[LoadBalancerIngress]:
    """The addresses of load balancers; a status has no room for hundreds of them."""
    given = ((service.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ()
    found, left = [], MOST_BALANCER_BYTES
    for it in map(LoadBalancerIngress.model_validate, given):
        left -= _ingress_size(it)
        if left < 0:
            break
        found.append(it)
    return found


def _balancer(it: LoadBalancerIngress) -> str | None:
    hosts = [parse_host(text.lower()) for text in (it.ip, it.hostname) if text]
    return next((host.text for host in hosts if host), None)


# --- room in the status ---------------------------------------------------------------------------


def _room(inside: Addresses, body: Json, ingress: Sequence[LoadBalancerIngress]) -> int:
    """How many bytes of the status the URLs may take."""
    ports = (PORT_BYTES + len(it.name or "") + len(str(it.target_port)) for it in inside.ports)
    selector = len(selector_string(body.get("selector") or {}))
    left = MOST_BYTES - OTHER_BYTES - sum(ports) - sum(map(_ingress_size, ingress)) - selector
    return max(left, LEAST_BYTES)


def _ingress_size(it: LoadBalancerIngress) -> int:
    return INGRESS_BYTES + len(it.ip or "") + len(it.hostname or "")


def _fitting(urls: Iterable[_Url], room: int) -> list[_Url]:
    """As many as fit, the first ones first."""
    found = []
    for url in urls:
        room -= _size(url)
        if room < 0:
            break
        found.append(url)
    return found


def _size(url: _Url) -> int:
    """How many bytes it takes in a list of JSON."""
    return len(json.dumps(url.text)) + 2


# --- ports ----------------------------------------------------------------------------------------


def _ways(body: Json, spec: ExposedAppSpec | None) -> list[_Way]:
    """The Service's ports: first the main one, which a person means, the first of TCP."""
    asked = {(it.port, it.protocol): it for it in (spec.ports if spec else None) or ()}
    ports = body.get("ports") or ()
    ways = [_way(it, asked.get((it["port"], it.get("protocol", "TCP")))) for it in ports]
    return sorted(ways, key=lambda it: it.protocol != "TCP")


def _port_status(body: Json) -> PortStatus:
    return PortStatus(
        name=body.get("name"),
        port=body["port"],
        target_port=body["targetPort"],
        node_port=body.get("nodePort"),
        protocol=body.get("protocol", "TCP"),
    )


def scheme_of(protocol: str, app_protocol: str | None) -> str:
    """The scheme of a port's URLs when the spec names none; an appProtocol is of TCP only.

    In whatever case it is written (RFC 6335).
    """
    scheme = PROTOCOL_SCHEMES[protocol]
    return (
        APP_PROTOCOL_SCHEMES.get((app_protocol or "").lower(), scheme)
        if protocol == "TCP"
        else scheme
    )


def _way(body: Json, asked: Port | None) -> _Way:
    protocol = body.get("protocol", "TCP")
    spoken = asked.app_protocol if asked else body.get("appProtocol")
    return _Way(
        body["port"],
        body.get("nodePort"),
        protocol,
        (asked and asked.scheme) or scheme_of(protocol, spoken),
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
