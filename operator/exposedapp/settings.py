"""What the operator's owner has set for all apps."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NoReturn, TypeVar

from exposedapp.api.hosts import HOST_WORDS, parse_host

T = TypeVar("T")

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
    """Reads the variables EXPOSEDAPP_*; one that is not there, or empty, is as if not set.

    Raises ValueError, with the variable's name and what to write, for what cannot be read: a typing
    error must not switch anything off in silence.
    """

    def read(name: str, default: T, parse: Callable[[str], T], words: str) -> T:
        text = environment.get(f"EXPOSEDAPP_{name}", "").strip()
        if not text:
            return default
        try:
            return parse(text)
        except ValueError:
            raise ValueError(f"EXPOSEDAPP_{name} is {text!r}: write {words}") from None

    usual, count = Settings(), "a whole number from 1 on"
    return Settings(
        nodes_host=read("NODES_HOST", usual.nodes_host, _host, HOST_WORDS),
        port_mappings=read(
            "PORT_MAPPINGS",
            usual.port_mappings,
            _mappings,
            "NODEPORT:PORT/PROTOCOL with commas between, such as 30008:8080/TCP",
        ),
        requests_in_flight=read("REQUESTS_IN_FLIGHT", usual.requests_in_flight, _count, count),
        probe=read("PROBE", usual.probe, _truth, "true or false"),
        probe_rate=read("PROBE_RATE", usual.probe_rate, _rate, "a number above 0"),
        probe_in_flight=read("PROBE_IN_FLIGHT", usual.probe_in_flight, _count, count),
        probe_hosts=read(
            "PROBE_HOSTS",
            usual.probe_hosts,
            lambda text: frozenset(map(_host, _parts(text))),
            f"hosts with commas between, each {HOST_WORDS}",
        ),
    )


def _parts(text: str) -> list[str]:
    return [part for it in text.split(",") if (part := it.strip())]


def _host(text: str) -> str:
    return text if parse_host(text) else _refuse()


def _truth(text: str) -> bool:
    return text == "true" if text in ("true", "false") else _refuse()


def _count(text: str) -> int:
    return _between(int(text), 1, math.inf)


def _rate(text: str) -> float:
    found = float(text)
    return found if 0 < found < math.inf else _refuse()


def _mappings(text: str) -> dict[NodePortKey, int]:
    return dict(map(_mapping, _parts(text)))


def _mapping(text: str) -> tuple[NodePortKey, int]:
    numbers, _, protocol = text.partition("/")
    node_port, _, port = numbers.partition(":")
    if protocol not in ("", "TCP", "UDP", "SCTP"):
        raise ValueError
    return (_port(node_port), protocol or "TCP"), _port(port)


def _port(text: str) -> int:
    return _between(int(text), 1, 65535)


def _between(number: int, least: int, most: float) -> int:
    return number if least <= number <= most else _refuse()


def _refuse() -> NoReturn:
    raise ValueError
