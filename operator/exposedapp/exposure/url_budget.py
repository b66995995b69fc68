# SPDX-License-Identifier: Apache-2.0
"""How many bytes of a status its URLs may take. Pure. Called by the modules that list URLs."""

import json
from collections.abc import Iterable, Sequence

from exposedapp.api.meta import Json, selector_string
from exposedapp.api.service import LoadBalancerIngress
from exposedapp.exposure.exposure import Exposure
from exposedapp.exposure.external_url import ExternalUrl

MAX_STATUS_BYTES = 95_000
"""Of a status as JSON: it must stay well below the 1.5 MiB that etcd accepts, and readable."""

RESERVED_BYTES = 28_000
"""The part of MAX_STATUS_BYTES for what is not counted here: the conditions, whose messages
status/conditions.py shortens, status.url, and small fields."""

MIN_URL_BYTES = 5_000
"""What URLs get in any case: enough for two of the longest."""

MAX_LOAD_BALANCER_BYTES = 8_000

PORT_BYTES = 100
"""Of one port in a status, without its name and target port."""

INGRESS_BYTES = 40
"""Of one load balancer address in a status, without the address."""


def url_budget(
    in_cluster: Exposure, service_spec: Json, ingress: Sequence[LoadBalancerIngress]
) -> int:
    """How many bytes of the status its URLs may take."""
    ports = (
        PORT_BYTES + len(port.name or "") + len(str(port.target_port)) for port in in_cluster.ports
    )
    selector = len(selector_string(service_spec.get("selector") or {}))
    other = RESERVED_BYTES + sum(ports) + sum(map(ingress_size, ingress)) + selector
    return max(MAX_STATUS_BYTES - other, MIN_URL_BYTES)


def ingress_size(address: LoadBalancerIngress) -> int:
    """The bytes of a load balancer address in a status."""
    return INGRESS_BYTES + len(address.ip or "") + len(address.hostname or "")


def within_budget(urls: Iterable[ExternalUrl], budget: int) -> list[ExternalUrl]:
    """The first URLs, as many as fit into `budget` bytes."""
    fitting = []
    for url in urls:
        budget -= url_size(url)
        if budget < 0:
            break
        fitting.append(url)
    return fitting


def url_size(url: ExternalUrl) -> int:
    """The bytes of a URL in a JSON list."""
    return len(json.dumps(url.text)) + 2
