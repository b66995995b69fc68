"""Pure: an app's ports, and what can be done with them from a person's own machine."""

from collections.abc import Sequence
from dataclasses import dataclass

from exposedapp.api.meta import Json
from exposedapp.cli.doctor.facts import split
from exposedapp.exposure.port_urls import scheme_of

LOCAL_PORT = 8080
"""What localhost's ports begin with in a proposal: free on most machines, and open to everybody."""
MOST_MAPPED = 4
"""So many lines of a proposal show how it is done."""


@dataclass(frozen=True, slots=True)
class AppPort:
    """A port of the app, as the cluster has it, with what its URLs begin with."""

    port: int
    node_port: int | None
    protocol: str
    scheme: str
    pinned: bool
    """Whether the spec names the node port, so that it stays the same in another cluster."""


def app_ports(app: Json) -> list[AppPort]:
    """The app's ports; before the operator has answered those of its spec."""
    wanted = (app.get("spec") or {}).get("ports") or []
    asked = {(it["port"], it.get("protocol", "TCP")): it for it in wanted}
    found = (app.get("status") or {}).get("ports") or wanted
    return [_port(it, asked.get((it["port"], it.get("protocol", "TCP")), {})) for it in found]


def tcp_node_ports(app: Json) -> list[AppPort]:
    """Those that a node answers at, and that can be tried."""
    return [it for it in app_ports(app) if it.protocol == "TCP" and it.node_port]


def protocol_of(app: Json, url: str) -> str:
    """TCP, UDP or SCTP: that of the port which a URL leads to, whatever its scheme is called.

    The port of localhost is one that only the operator's owner knows: there the scheme decides.
    """
    parts = split(url)
    if parts is None:
        return "TCP"
    ports = app_ports(app)
    at_number = [it for it in ports if parts.port in (it.node_port, it.port)]
    alike = [it for it in at_number or ports if it.scheme == parts.scheme]
    protocols = {it.protocol for it in alike or at_number}
    return protocols.pop() if len(protocols) == 1 else "TCP"


def port_forward(namespace: str, name: str, app: Json) -> str:
    """The way in that works wherever kubectl does; for what is not TCP, what works instead."""
    ports = app_ports(app)
    port = next((it.port for it in ports if it.protocol == "TCP"), None)
    if ports and port is None:
        return (
            f"`kubectl port-forward` knows TCP only; for {ports[0].protocol} set service.type "
            f"NodePort, or go in from a pod (`kubectl run -n {namespace} way-in -it --rm "
            f"--image=busybox`): there it is {name}.{namespace}.svc:{ports[0].port}"
        )
    return (
        f"`kubectl port-forward -n {namespace} service/{name} {LOCAL_PORT}:{port or 80}`, then "
        f"localhost:{LOCAL_PORT}"
    )


def mappings(ports: Sequence[AppPort], local_port: int | None) -> str:
    """What to write so that localhost leads to these node ports, in lines ready to copy."""
    numbered = list(enumerate(ports[:MOST_MAPPED], local_port or LOCAL_PORT))
    items = [
        f"- {{containerPort: {it.node_port}, hostPort: {number}, protocol: {it.protocol}}}"
        for number, it in numbered
    ]
    urls = " and ".join(f"{it.scheme}://localhost:{number}" for number, it in numbered)
    loose = ", ".join(f"nodePort: {it.node_port}" for _, it in numbered if not it.pinned)
    pin = f"; write {loose} into spec.ports, or the new one gives another" if loose else ""
    return "\n".join(
        [
            "With kind, localhost can lead to the node port. At a node in the cluster's "
            "configuration:",
            "extraPortMappings:",
            *items,
            f"And in the operator's Helm values, so that the status has {urls}:",
            "portMappings:",
            *items,
            f"kind reads its part only when it makes a cluster{pin}.",
        ]
    )


def _port(body: Json, asked: Json) -> AppPort:
    protocol = body.get("protocol", "TCP")
    return AppPort(
        body["port"],
        body.get("nodePort"),
        protocol,
        asked.get("scheme") or scheme_of(protocol, asked.get("appProtocol")),
        bool(asked.get("nodePort")),
    )
