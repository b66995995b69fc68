# SPDX-License-Identifier: Apache-2.0
"""Allocated node ports, and a Service that keeps them. Called by the reconciler; pure."""

from collections.abc import Mapping

from exposedapp.api.meta import Json
from exposedapp.api.service import NODE_PORT_TYPES, PortKey


def keep_node_ports(service: Json, allocated: Mapping[PortKey, int]) -> Json:
    """The Service with its allocated node ports, where the spec names none.

    Without them the cluster would allocate others whenever the Service is created again. The hash
    stays: an allocated port is not part of the desired state. The argument is not changed.
    """
    if not has_node_ports(service["spec"]) or "ports" not in service["spec"]:
        return service
    requested = {(port.get("nodePort"), port["protocol"]) for port in service["spec"]["ports"]}

    def with_node_port(port: Json) -> Json:
        number = allocated.get((port["port"], port["protocol"]))
        if "nodePort" in port or number is None or (number, port["protocol"]) in requested:
            return port
        return {**port, "nodePort": number}

    ports = [with_node_port(port) for port in service["spec"]["ports"]]
    return {**service, "spec": {**service["spec"], "ports": ports}}


def has_node_ports(service_spec: Json) -> bool:
    """Whether the cluster allocates node ports for a Service."""
    return (
        service_spec.get("type") in NODE_PORT_TYPES
        and service_spec.get("allocateLoadBalancerNodePorts") is not False
    )


def node_ports(ports: list[Json]) -> dict[PortKey, int]:
    """The node ports in a list of ports, as a Service's spec or an app's status has them."""
    return {
        (port["port"], port.get("protocol", "TCP")): port["nodePort"]
        for port in ports
        if port.get("nodePort")
    }


def used_node_ports(service: Json) -> set[int]:
    """The numbers that no other Service can have: for any protocol, and for health checks, too."""
    numbers = set(node_ports(service["spec"].get("ports") or []).values())
    health_check: int | None = service["spec"].get("healthCheckNodePort")
    return numbers | ({health_check} if health_check else set())
