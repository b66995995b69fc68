"""The pods behind a Service, from its EndpointSlices."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from exposedapp.api.app import EndpointsStatus
from exposedapp.api.meta import Json


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One pod behind the Service, from its EndpointSlices."""

    pod: str
    ready: bool
    terminating: bool
    node: str | None = None
    ports: frozenset[str] = frozenset()
    """The names of the Service's ports that the pod really has; "" for one without a name."""


def parse_endpoint_slice(body: Json) -> tuple[Endpoint, ...]:
    """The endpoints of an EndpointSlice as the API server sends it."""
    ports = frozenset(port.get("name") or "" for port in body.get("ports") or ())
    return tuple(_parse_endpoint(it, ports) for it in body.get("endpoints") or ())


def nodes_with_ready_pods(endpoints: Iterable[Endpoint]) -> set[str]:
    """The nodes that forward under externalTrafficPolicy Local."""
    return {it.node for it in endpoints if it.node and it.ready and not it.terminating}


def _parse_endpoint(body: Json, ports: frozenset[str]) -> Endpoint:
    conditions = body.get("conditions") or {}
    target = body.get("targetRef") or {}
    return Endpoint(
        pod=target.get("uid") or ",".join(body["addresses"]),
        # Unknown counts as ready (API docs of EndpointConditions).
        ready=conditions.get("ready") is not False,
        terminating=conditions.get("terminating") is True,
        node=body.get("nodeName"),
        ports=ports,
    )


def endpoint_counts(endpoints: Sequence[Endpoint]) -> EndpointsStatus:
    """How many pods are ready, and how many there are; one in two slices counts once."""
    ready = {it.pod for it in endpoints if it.ready}
    standing = {it.pod for it in endpoints if not it.terminating}
    return EndpointsStatus(ready=len(ready), total=len(standing | ready))
