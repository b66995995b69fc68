# SPDX-License-Identifier: Apache-2.0
"""The result of this package: where an app is reachable. Pure data; urls.py computes it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
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

    preferred: Mapping[str, int] = field(default_factory=dict)
    """The URLs of which one becomes status.url, in their order of preference, each with the rank of
    its address type: 0 is the first of spec.nodes.addressTypes."""
    urls: Sequence[str] = ()
    nodes: NodesStatus | None = None
    ports: Sequence[PortStatus] = ()
    cluster_ips: Sequence[str] = ()
    cluster_url: str | None = None
    proxy_path: str | None = None
    load_balancer: LoadBalancerStatus | None = None
    probe_urls: Sequence[ProbeCandidate] = ()
    """The node URLs that may be probed: TCP, at a host that the operator's configuration allows."""
    main_urls: frozenset[str] = frozenset()
    """Those of `probe_urls` that belong to the main port, which status.url is about."""
    stand_ins: Sequence[ProbeCandidate] = ()
    """URLs of the main port at nodes, to be probed in addition where spec.nodes.host stands for the
    nodes: whether that host answers cannot always be found out from a pod."""
    control_ports: Mapping[str, int] = field(default_factory=dict)
    """The port of the kubelet at each node's addresses: where it does not answer either, it is not
    the app that does not. Without the operator's own node."""
    no_node_reason: str | None = None
    """Why no node is listed although the Service has node ports."""
    local_pods_required: bool = False
    """Whether nodes would be listed as soon as they ran a ready pod."""
