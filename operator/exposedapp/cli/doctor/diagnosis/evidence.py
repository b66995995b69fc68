# SPDX-License-Identifier: Apache-2.0
"""Everything that a diagnosis is based on. Pure.

Filled in by doctor/collect.py.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from exposedapp.api.meta import Json
from exposedapp.cli.ports import split_url
from exposedapp.exposure.endpoints import Endpoint
from exposedapp.exposure.nodes import Node
from exposedapp.exposure.probes import NO_REPLY_OUTCOMES, ProbeOutcome, ProbeResult


@dataclass(frozen=True, slots=True)
class UrlProbe:
    """One URL of the app, and what came of probing it from this machine."""

    url: str
    result: ProbeResult | None = None
    """None when it was not probed: it is not a valid URL, or its protocol is not TCP."""
    connected: bool = False
    """Whether the host accepted the TCP connection."""

    @property
    def host(self) -> str:
        """The host in the URL; empty when it is not valid."""
        parts = split_url(self.url)
        return (parts and parts.hostname) or ""

    @property
    def port(self) -> int | None:
        """The port in the URL."""
        parts = split_url(self.url)
        return parts and parts.port

    @property
    def scheme(self) -> str:
        """The scheme in the URL."""
        return self.url.partition(":")[0]

    @property
    def is_valid(self) -> bool:
        """Whether the URL is one that can be opened."""
        return split_url(self.url) is not None

    @property
    def is_conclusive(self) -> bool:
        """Whether it shows that the URL works or that it does not."""
        return self.result is not None or not self.is_valid

    @property
    def outcome(self) -> ProbeOutcome | None:
        """How the attempt ended; None when there was none."""
        return self.result.outcome if self.result else None

    @property
    def answered(self) -> bool:
        """Whether the app answered; with whatever HTTP status: the way to it is open."""
        return self.outcome in {ProbeOutcome.ANSWERED, ProbeOutcome.HTTP_ERROR}

    @property
    def refused(self) -> bool:
        """Whether the connection was refused at once."""
        return self.outcome is ProbeOutcome.REFUSED

    @property
    def has_no_reply(self) -> bool:
        """Whether nothing came back from the host, not even a refusal."""
        return self.outcome in NO_REPLY_OUTCOMES and not self.connected

    def __str__(self) -> str:
        """What came of it, in the words of the condition Reachable where it has them."""
        if not self.is_valid:
            return "not a valid URL"
        if self.result is None:
            return "not probed"
        if self.result.http_status:
            return f"HTTP {self.result.http_status}"
        if self.connected and self.outcome is ProbeOutcome.TIMED_OUT:
            return "connected, but no response"
        return str(self.result)


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod of the app."""

    name: str
    ready: bool
    failure: str = ""
    """Why it is not ready, in Kubernetes' words."""


@dataclass(frozen=True, slots=True)
class ContainerPort:
    """A port of a pod to which the Service sends traffic, tried from inside the cluster."""

    pod: str
    number: int
    listens: bool | None
    """None when that could not be found out."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of an app, its children, its pods, the nodes and the URLs."""

    namespace: str
    name: str
    app: Json | None
    """None when it does not exist."""
    pods: Sequence[Pod] = ()
    endpoints: Sequence[Endpoint] = ()
    container_ports: Sequence[ContainerPort] = ()
    service: Json | None = None
    nodes: Sequence[Node] = ()
    """Empty when the user may not list them."""
    node_names: Mapping[str, str] = field(default_factory=dict)
    """The names of the nodes by their addresses."""
    probes: Sequence[UrlProbe] = ()
    urls_left_out: int = 0
    """Number of URLs that were too many to probe."""
