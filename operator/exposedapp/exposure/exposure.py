"""The result of this package: where an app is reachable. Pure data; urls.py computes it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from exposedapp.api.app import NodesStatus, PortStatus
from exposedapp.api.service import LoadBalancerStatus


class ProbeCandidate(NamedTuple):
    """A node URL that may be probed, with the address that a probe connects to."""

    url: str
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Exposure:
    """Where an app is reachable, as fields of its status; empty where there is no such address."""

    preferred: Sequence[str] = ()
    """The URLs of which one becomes status.url."""
    urls: Sequence[str] = ()
    nodes: NodesStatus | None = None
    ports: Sequence[PortStatus] = ()
    cluster_ips: Sequence[str] = ()
    cluster_url: str | None = None
    proxy_path: str | None = None
    load_balancer: LoadBalancerStatus | None = None
    probe_urls: Sequence[ProbeCandidate] = ()
    """The node URLs that may be probed: TCP, at a host that the operator's configuration allows."""
    no_node_reason: str | None = None
    """Why no node is listed although the Service has node ports."""
    local_pods_required: bool = False
    """Whether nodes would be listed as soon as they ran a ready pod."""
