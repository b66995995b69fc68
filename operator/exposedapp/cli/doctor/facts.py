"""Pure: what a doctor wants to know of an app."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import SplitResult, urlsplit

from exposedapp.api.meta import Json
from exposedapp.exposure.endpoints import Endpoint
from exposedapp.exposure.nodes import Node


class Outcome(StrEnum):
    """What came of trying a URL from here."""

    ANSWERED = "answered"
    UNTRIED = "not tried"
    TIMED_OUT = "timed out"
    NO_ROUTE = "no route"
    REFUSED = "refused"
    UNKNOWN_NAME = "unknown name"
    SILENT = "connected, but no answer"
    NO_TLS = "connected, but no TLS"
    INVALID = "no valid URL"


def split(url: str) -> SplitResult | None:
    """The parts of a URL; None when there is no host, or no port, that one could connect to.

    Python finds some faults only when the part is asked for.
    """
    try:
        parts = urlsplit(url)
        usable = parts.hostname and parts.port != 0
    except ValueError:
        return None
    return parts if usable else None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One URL that was tried."""

    url: str
    outcome: Outcome
    http_status: int | None = None

    @property
    def host(self) -> str:
        """The address in it."""
        parts = split(self.url)
        return (parts and parts.hostname) or ""

    @property
    def port(self) -> int | None:
        """The port in it."""
        parts = split(self.url)
        return parts and parts.port

    @property
    def scheme(self) -> str:
        """The scheme in it."""
        return self.url.partition(":")[0]


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod of the app."""

    name: str
    ready: bool
    words: str = ""
    """What it, or Kubernetes, says of why it is not ready."""


@dataclass(frozen=True, slots=True)
class Target:
    """A port of a pod to which the Service sends traffic, tried from inside the cluster."""

    pod: str
    number: int
    listens: bool | None
    """None when that could not be found out."""


@dataclass(frozen=True, slots=True)
class Facts:
    """All that a diagnosis is made of."""

    namespace: str
    name: str
    app: Json | None
    pods: Sequence[Pod] = ()
    endpoints: Sequence[Endpoint] = ()
    targets: Sequence[Target] = ()
    service: Json | None = None
    nodes: Mapping[str, str] = field(default_factory=dict)
    """The names of the nodes, by their addresses; empty when they may not be listed."""
    cluster: Sequence[Node] = ()
    """The nodes themselves."""
    attempts: Sequence[Attempt] = ()
    left_out: int = 0
    """How many more URLs there are, when there are too many to try."""
