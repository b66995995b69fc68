# SPDX-License-Identifier: Apache-2.0
"""The pods behind a Service, from its EndpointSlices. Pure. Called by cache/, status/ and cli/."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from exposedapp.api.app import EndpointsStatus
from exposedapp.api.meta import Json


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One endpoint of a Service: a pod, as one EndpointSlice has it."""

    pod: str
    """The pod's UID; its addresses if the endpoint names no object."""
    ready: bool
    """Whether it gets traffic: with publishNotReadyAddresses, whatever the pod's state is."""
    terminating: bool
    node: str | None = None
    ports: frozenset[str] = frozenset()
    """The names of the Service's ports that the pod has; "" for one without a name."""
    serving: bool = True
    """Whether the pod itself is ready."""

    @property
    def has_ready_pod(self) -> bool:
        """Whether the pod is ready, and not about to end."""
        return self.ready and self.serving and not self.terminating


def parse_endpoint_slice(body: Json) -> tuple[Endpoint, ...]:
    """The endpoints of an EndpointSlice as the API server sends it."""
    ports = frozenset(port.get("name") or "" for port in body.get("ports") or ())
    return tuple(_parse_endpoint(endpoint, ports) for endpoint in body.get("endpoints") or ())


def nodes_with_ready_pods(endpoints: Iterable[Endpoint]) -> set[str]:
    """The nodes that forward under externalTrafficPolicy Local."""
    return {
        endpoint.node
        for endpoint in endpoints
        if endpoint.node and endpoint.ready and not endpoint.terminating
    }


def ready_pods(endpoints: Iterable[Endpoint]) -> set[str]:
    """The pods that get traffic; a pod in two slices (two IP families) counts once."""
    return {endpoint.pod for endpoint in endpoints if endpoint.ready}


def count_ready_pods(endpoints: Iterable[Endpoint]) -> int:
    """How many pods are ready: fewer than get traffic if publishNotReadyAddresses is set."""
    return len({endpoint.pod for endpoint in endpoints if endpoint.has_ready_pod})


def endpoint_counts(endpoints: Sequence[Endpoint]) -> EndpointsStatus:
    """How many pods get traffic, and how many there are."""
    ready = ready_pods(endpoints)
    running = {endpoint.pod for endpoint in endpoints if not endpoint.terminating}
    return EndpointsStatus(ready=len(ready), total=len(running | ready))


def _parse_endpoint(body: Json, ports: frozenset[str]) -> Endpoint:
    conditions = body.get("conditions") or {}
    target = body.get("targetRef") or {}
    ready = conditions.get("ready") is not False  # unknown counts as ready (EndpointConditions)
    return Endpoint(
        pod=target.get("uid") or ",".join(body["addresses"]),
        ready=ready,
        terminating=conditions.get("terminating") is True,
        node=body.get("nodeName"),
        ports=ports,
        # Of a pod that gets no traffic it matters to nothing: a change would be noise.
        serving=not ready or conditions.get("serving") is not False,
    )
