"""The ports of a Service and what their URLs look like."""

from dataclasses import dataclass

from exposedapp.api.app import ExposedAppSpec, PortStatus
from exposedapp.api.meta import AppRef, Json
from exposedapp.api.service import Port

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
class PortUrls:
    """A port of the Service, with what its URLs begin and end with."""

    port: int
    node_port: int | None
    protocol: str
    scheme: str
    path: str

    def url(self, host: str, port: int) -> str:
        """Its URL where this port of this host leads to it."""
        return f"{self.scheme}://{_host(host)}:{port}{self.path}"


def service_ports(body: Json, spec: ExposedAppSpec | None) -> list[PortUrls]:
    """The Service's ports: first the main one, which a person means, the first of TCP."""
    requested = {(it.port, it.protocol): it for it in (spec.ports if spec else None) or ()}
    ports = body.get("ports") or ()
    ways = [port_urls(it, requested.get((it["port"], it.get("protocol", "TCP")))) for it in ports]
    return sorted(ways, key=lambda it: it.protocol != "TCP")


def port_urls(body: Json, requested: Port | None) -> PortUrls:
    """What the URLs of one port look like; `requested` is the port of the spec, if it has one."""
    protocol = body.get("protocol", "TCP")
    spoken = requested.app_protocol if requested else body.get("appProtocol")
    return PortUrls(
        body["port"],
        body.get("nodePort"),
        protocol,
        (requested and requested.scheme) or scheme_of(protocol, spoken),
        (requested and requested.path) or "",
    )


def port_status(body: Json) -> PortStatus:
    """A port as the status has it."""
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


def cluster_url_of(app: AppRef, way: PortUrls) -> str:
    """The URL of a port inside the cluster."""
    return f"{way.scheme}://{app.name}.{app.namespace}.svc:{way.port}"


def proxy_path_of(app: AppRef, way: PortUrls) -> str | None:
    """The API server's proxy path to a port; None where it cannot proxy."""
    if way.protocol != "TCP":
        return None  # the API server passes on HTTP only
    name = f"https:{app.name}" if way.scheme == "https" else app.name
    return f"/api/v1/namespaces/{app.namespace}/services/{name}:{way.port}/proxy/"


def _host(host: str) -> str:
    """An IPv6 address is put in brackets (RFC 3986)."""
    return f"[{host}]" if ":" in host else host
