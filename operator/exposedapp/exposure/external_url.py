# SPDX-License-Identifier: Apache-2.0
"""A URL that is reachable from outside the cluster, and where it comes from. Pure data."""

from enum import IntEnum
from typing import NamedTuple

from exposedapp.exposure.port_urls import PortUrls


class UrlOrigin(IntEnum):
    """What a URL leads to, in the order of preference: the closest to the user first."""

    PORT_MAPPING = 0
    """A port of the user's own machine."""
    LOAD_BALANCER = 1
    NODE = 2
    EXTERNAL_IP = 3


class ExternalUrl(NamedTuple):
    """A URL from outside, with what it was built from."""

    text: str
    port: PortUrls
    host: str
    origin: UrlOrigin
    rank: int = 0
    """Of a node's address: the position of its type in spec.nodes.addressTypes."""
