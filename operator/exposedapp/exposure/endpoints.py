"""The pods behind a Service, from its EndpointSlices."""

from collections.abc import Sequence
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


def parse_endpoint(body: Json, ports: frozenset[str]) -> Endpoint:
    """One endpoint of an EndpointSlice; `ports` are the names of the slice's ports."""
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
