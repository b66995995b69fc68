"""What the operator's owner has set for all apps."""

from collections.abc import Mapping
from dataclasses import dataclass, field

NodePortKey = tuple[int, str]
"""A node port and its protocol."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of the operator as a whole."""

    nodes_host: str | None = None
    """Instead of the nodes' addresses, for apps that do not name a host themselves."""
    port_mappings: Mapping[NodePortKey, int] = field(default_factory=dict)
    """The port of localhost that leads to a node port, where the nodes themselves are out of reach:
    what kind was given as extraPortMappings."""


def from_environment(environment: Mapping[str, str]) -> Settings:
    """Reads EXPOSEDAPP_NODES_HOST, and EXPOSEDAPP_PORT_MAPPINGS such as 30008:8080/TCP,...

    Raises ValueError for a mapping that is none.
    """
    mappings = {}
    for text in filter(None, environment.get("EXPOSEDAPP_PORT_MAPPINGS", "").split(",")):
        numbers, _, protocol = text.strip().partition("/")
        node_port, _, host_port = numbers.partition(":")
        mappings[int(node_port), protocol or "TCP"] = int(host_port)
    return Settings(environment.get("EXPOSEDAPP_NODES_HOST") or None, mappings)
