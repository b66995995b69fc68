"""How much of a status URLs may take."""

import json
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from exposedapp.api.meta import Json, selector_string
from exposedapp.api.service import LoadBalancerIngress
from exposedapp.exposure.addresses import Exposure
from exposedapp.exposure.port_urls import PortUrls

MAX_STATUS_BYTES = 95_000
"""Of a status as JSON: it must stay well below the 1.5 MiB that etcd takes, and below what a person
can read."""

OTHER_BYTES = 28_000
"""Of these, for what is not counted here: the conditions, whose messages status.py keeps short, the
url, and what is small."""

MIN_URL_BYTES = 5_000
"""What the URLs get in any case: two of the longest have room."""

MAX_LOAD_BALANCER_BYTES = 8_000

PORT_BYTES, INGRESS_BYTES = 100, 40
"""Of one of these in a status, but for its names."""

MAPPED, BALANCER, NODE = range(3)
"""Where a URL leads, the nearest to the person first: their own machine, the balancer, a node."""


class ExternalUrl(NamedTuple):
    """A URL from outside, with what it was made of."""

    text: str
    way: PortUrls
    host: str
    place: int


def byte_budget(inside: Exposure, body: Json, ingress: Sequence[LoadBalancerIngress]) -> int:
    """How many bytes of the status the URLs may take."""
    ports = (PORT_BYTES + len(it.name or "") + len(str(it.target_port)) for it in inside.ports)
    selector = len(selector_string(body.get("selector") or {}))
    left = MAX_STATUS_BYTES - OTHER_BYTES - sum(ports) - sum(map(ingress_size, ingress)) - selector
    return max(left, MIN_URL_BYTES)


def ingress_size(it: LoadBalancerIngress) -> int:
    """How many bytes an ingress takes in a status."""
    return INGRESS_BYTES + len(it.ip or "") + len(it.hostname or "")


def within_budget(urls: Iterable[ExternalUrl], room: int) -> list[ExternalUrl]:
    """As many as fit, the first ones first."""
    found = []
    for url in urls:
        room -= url_size(url)
        if room < 0:
            break
        found.append(url)
    return found


def url_size(url: ExternalUrl) -> int:
    """How many bytes it takes in a list of JSON."""
    return len(json.dumps(url.text)) + 2
