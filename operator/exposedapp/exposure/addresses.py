"""What an app's addresses are: the result of this package."""

from collections.abc import Sequence
from dataclasses import dataclass

from exposedapp.api.app import NodesStatus, PortStatus
from exposedapp.api.service import LoadBalancerStatus


@dataclass(frozen=True, slots=True)
class Exposure:
    """Where the app is: fields of its status. An empty one says that there is no such address."""

    preferred: Sequence[str] = ()
    """The URLs of which one is the url to click."""
    urls: Sequence[str] = ()
    nodes: NodesStatus | None = None
    ports: Sequence[PortStatus] = ()
    cluster_ips: Sequence[str] = ()
    cluster_url: str | None = None
    proxy_path: str | None = None
    load_balancer: LoadBalancerStatus | None = None
    probe_urls: Sequence[tuple[str, str, int]] = ()
    """(URL, host, port) of the node URLs that can be tried: TCP, at a host that may be."""
    no_node_reason: str | None = None
    """Why no node is listed although the Service has node ports."""
    local_pods_required: bool = False
    """Whether nodes would be listed as soon as they ran a ready pod."""
