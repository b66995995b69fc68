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
    requests_in_flight: int = 32
    """Requests to the API server at one time, watches apart."""
    probe: bool = True
    """Whether URLs are tried at all."""
    probe_rate: float = 50.0
    """Tries per second, at most."""
    probe_in_flight: int = 50
    probe_hosts: frozenset[str] = frozenset()
    """The values of spec.nodes.host that may be tried: an app's author chooses them, and the
    operator must not become their port scanner."""


def from_environment(environment: Mapping[str, str]) -> Settings:
    """Reads the variables EXPOSEDAPP_*: NODES_HOST, PORT_MAPPINGS, PROBE, PROBE_RATE and so on.

    PORT_MAPPINGS are written 30008:8080/TCP,..., PROBE_HOSTS host,..., and PROBE true or false.
    Raises ValueError for what cannot be read.
    """

    def given(name: str, default: str = "") -> str:
        return environment.get(f"EXPOSEDAPP_{name}") or default

    mappings = {}
    for text in filter(None, given("PORT_MAPPINGS").split(",")):
        numbers, _, protocol = text.strip().partition("/")
        node_port, _, host_port = numbers.partition(":")
        mappings[int(node_port), protocol or "TCP"] = int(host_port)
    return Settings(
        nodes_host=given("NODES_HOST") or None,
        port_mappings=mappings,
        requests_in_flight=int(given("REQUESTS_IN_FLIGHT", "32")),
        probe=given("PROBE", "true") == "true",
        probe_rate=float(given("PROBE_RATE", "50")),
        probe_in_flight=int(given("PROBE_IN_FLIGHT", "50")),
        probe_hosts=frozenset(filter(None, given("PROBE_HOSTS").split(","))),
    )
