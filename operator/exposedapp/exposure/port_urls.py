# SPDX-License-Identifier: Apache-2.0
"""The ports of a Service and what their URLs look like. Pure.

Called by urls.py, and by the command line for URLs of its own.
"""

from dataclasses import dataclass

from exposedapp.api.app import ExposedAppSpec
from exposedapp.api.meta import Json
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
"""Source: KEP-3726, standard application protocols, and the IANA names of these."""


MAX_LISTED_PORTS = 64
"""As many as a spec may have. While an app is suspended, its Service may have thousands."""


@dataclass(frozen=True, slots=True)
class PortUrls:
    """A port of the Service, with what its URLs begin and end with."""

    port: int
    node_port: int | None
    protocol: str
    scheme: str
    path: str

    def url(self, host: str, port: int) -> str:
        """The URL of the port where `port` of `host` leads to it."""
        return f"{self.scheme}://{_bracketed(host)}:{port}{self.path}"


def service_ports(service_spec: Json, spec: ExposedAppSpec | None) -> list[PortUrls]:
    """The Service's ports. The first is the main one, which status.url is about: the first TCP."""
    requested = {(port.port, port.protocol): port for port in (spec.ports if spec else None) or ()}
    ports = [
        port_urls(port, requested.get((port["port"], port.get("protocol", "TCP"))))
        for port in listed_ports(service_spec)
    ]
    return sorted(ports, key=lambda port: port.protocol != "TCP")


def listed_ports(service_spec: Json) -> list[Json]:
    """The ports of a Service that a status lists."""
    return list(service_spec.get("ports") or ())[:MAX_LISTED_PORTS]


def port_urls(service_port: Json, requested: Port | None) -> PortUrls:
    """What the URLs of one port look like; `requested` is the port of the spec, if it has one."""
    protocol = service_port.get("protocol", "TCP")
    app_protocol = requested.app_protocol if requested else service_port.get("appProtocol")
    return PortUrls(
        port=service_port["port"],
        node_port=service_port.get("nodePort"),
        protocol=protocol,
        scheme=(requested and requested.scheme) or default_scheme(protocol, app_protocol),
        path=(requested and requested.path) or "",
    )


def default_scheme(protocol: str, app_protocol: str | None) -> str:
    """The scheme of a port's URLs when the spec names none.

    An appProtocol counts for TCP only, and regardless of case (RFC 6335).
    """
    scheme = PROTOCOL_SCHEMES[protocol]
    if protocol != "TCP":
        return scheme
    return APP_PROTOCOL_SCHEMES.get((app_protocol or "").lower(), scheme)


def _bracketed(host: str) -> str:
    """The host as URLs have it: an IPv6 address in brackets (RFC 3986)."""
    return f"[{host}]" if ":" in host else host
