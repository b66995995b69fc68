# SPDX-License-Identifier: Apache-2.0
"""An app's ports and URLs, and how to reach them from the user's machine. Pure.

Used by `open` and by the doctor.
"""

from collections.abc import Sequence
from urllib.parse import SplitResult, urlsplit

from pydantic import ValidationError

from exposedapp.api.meta import Json
from exposedapp.api.service import Port
from exposedapp.exposure.port_urls import PortUrls, port_urls

FIRST_LOCAL_PORT = 8080
"""The first port of localhost in a hint: free on most machines, and not privileged."""

MAX_MAPPED_PORTS = 4
"""Ports in an example of mappings: enough to show the form."""


def split_url(url: str) -> SplitResult | None:
    """The parts of a URL; None when it has no host, or a port that does not exist.

    urlsplit finds some errors only when the part is read.
    """
    try:
        parts = urlsplit(url)
        is_valid = parts.hostname and parts.port != 0
    except ValueError:
        return None
    return parts if is_valid else None


def app_ports(app: Json) -> list[PortUrls]:
    """The app's ports as the status has them; those of the spec before the first status."""
    spec_ports = (app.get("spec") or {}).get("ports") or []
    requested = {(port["port"], port.get("protocol", "TCP")): port for port in spec_ports}
    ports = (app.get("status") or {}).get("ports") or spec_ports
    return [
        port_urls(port, _parse_port(requested.get((port["port"], port.get("protocol", "TCP")))))
        for port in ports
    ]


def tcp_node_ports(app: Json) -> list[PortUrls]:
    """The ports that nodes serve and that can be probed."""
    return [port for port in app_ports(app) if port.protocol == "TCP" and port.node_port]


def protocol_of(app: Json, url: str) -> str:
    """TCP, UDP or SCTP: the protocol of the port that a URL leads to, whatever its scheme is.

    A port of localhost is known to the operator's configuration only: there the scheme decides.
    """
    parts = split_url(url)
    if parts is None:
        return "TCP"
    ports = app_ports(app)
    same_number = [port for port in ports if parts.port in (port.node_port, port.port)]
    same_scheme = [port for port in same_number or ports if port.scheme == parts.scheme]
    protocols = {port.protocol for port in same_scheme or same_number}
    return protocols.pop() if len(protocols) == 1 else "TCP"


def port_forward_hint(namespace: str, name: str, app: Json) -> str:
    """The command that works wherever kubectl does; without a TCP port, what works instead."""
    ports = app_ports(app)
    tcp_port = next((port.port for port in ports if port.protocol == "TCP"), None)
    if ports and tcp_port is None:
        return (
            f"`kubectl port-forward` supports TCP only; for {ports[0].protocol} set service.type "
            f"NodePort, or connect from a pod (`kubectl run -n {namespace} test -it --rm "
            f"--image=busybox`) to {name}.{namespace}.svc:{ports[0].port}"
        )
    return (
        f"`kubectl port-forward -n {namespace} service/{name} {FIRST_LOCAL_PORT}:{tcp_port or 80}`,"
        f" then localhost:{FIRST_LOCAL_PORT}"
    )


def port_mapping_hint(app: Json, ports: Sequence[PortUrls], local_port: int | None) -> str:
    """The lines that make localhost lead to these node ports, ready to copy."""
    numbered = list(enumerate(ports[:MAX_MAPPED_PORTS], local_port or FIRST_LOCAL_PORT))
    items = [
        f"- {{containerPort: {port.node_port}, hostPort: {number}, protocol: {port.protocol}}}"
        for number, port in numbered
    ]
    urls = " and ".join(f"{port.scheme}://localhost:{number}" for number, port in numbered)
    pinned = {port.get("nodePort") for port in (app.get("spec") or {}).get("ports") or ()}
    allocated = [port.node_port for _, port in numbered if port.node_port not in pinned]
    fields = ", ".join(f"nodePort: {number}" for number in allocated)
    pin = f"; write {fields} into spec.ports, or the new one allocates another" if fields else ""
    return "\n".join(
        [
            "With kind, localhost can lead to the node port. At a node in the cluster's "
            "configuration:",
            "extraPortMappings:",
            *items,
            f"And in the operator's Helm values, so that the status has {urls}:",
            "portMappings:",
            *items,
            f"kind reads its part only when it creates a cluster{pin}.",
        ]
    )


def _parse_port(body: Json | None) -> Port | None:
    try:
        return None if body is None else Port.model_validate(body)
    except ValidationError:
        return None  # written for another version of the resource; the status reports it
