"""Node ports that a Service keeps."""

from collections.abc import Mapping

from exposedapp.api.meta import Json
from exposedapp.api.service import NODE_PORT_TYPES

PortKey = tuple[int, str]
"""What identifies a port of a Service: (port, protocol)."""


def keep_node_ports(service: Json, known: Mapping[PortKey, int]) -> Json:
    """The Service with the node ports it already had, where the spec leaves them open.

    Without this an allocated port would change whenever the Service is made anew. The hash stays:
    a port that the cluster picked is not something that was wanted.
    """
    if service["spec"]["type"] not in NODE_PORT_TYPES or "ports" not in service["spec"]:
        return service
    chosen = {(port.get("nodePort"), port["protocol"]) for port in service["spec"]["ports"]}

    def kept(port: Json) -> Json:
        number = known.get((port["port"], port["protocol"]))
        if "nodePort" in port or number is None or (number, port["protocol"]) in chosen:
            return port
        return {**port, "nodePort": number}

    ports = [kept(port) for port in service["spec"]["ports"]]
    return {**service, "spec": {**service["spec"], "ports": ports}}


def node_ports(ports: list[Json]) -> dict[PortKey, int]:
    """The node ports in a list of ports, as a Service's spec or an app's status has them."""
    return {
        (port["port"], port.get("protocol", "TCP")): port["nodePort"]
        for port in ports
        if port.get("nodePort")
    }
