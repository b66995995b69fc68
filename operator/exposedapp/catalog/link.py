# SPDX-License-Identifier: Apache-2.0
"""The addresses of an app: which of them may be links, and from where each can be reached. Pure.

Whoever may write an app's spec or status chooses these texts: a link is what a browser opens at a
click, so only http and https with a host become one.
"""

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from exposedapp.api.meta import Json

LINKED_SCHEMES = ("http", "https")

FROM_PODS = "from pods of this cluster"
FROM_LOAD_BALANCER = "from wherever the load balancer can be reached"
FROM_LOCALHOST = "on the machine that runs the cluster"
FROM_NODE_NETWORK = "from the network of the nodes"
FROM_NODES_HOST = "from wherever this name leads to the nodes"
FROM_ANYWHERE = "from anywhere, if no firewall blocks the node port"
FROM_API_SERVER = "with kubectl proxy, by whoever may read the Service's proxy"


@dataclass(frozen=True, slots=True)
class Address:
    """One address of an app."""

    text: str
    is_link: bool
    reach: str
    """From where it can be reached."""


def is_link(url: str) -> bool:
    """Whether a browser may open this."""
    if not url.isprintable() or " " in url or "\\" in url:
        return False
    try:
        parts = urlsplit(url)
        return parts.scheme in LINKED_SCHEMES and bool(parts.hostname) and "@" not in parts.netloc
    except ValueError:
        return False


def addresses(status: Json) -> Iterator[Address]:
    """All addresses in a status: the one to click first, then from the outside to the inside."""
    balancers = set(_load_balancer_hosts(status))
    url = status.get("url")
    cluster_url = status.get("clusterURL")
    outside = [text for text in status.get("urls") or () if text != url]
    if url and url != cluster_url:
        outside = [url, *outside]
    for text in outside:
        yield Address(text, is_link(text), _reach(text, balancers))
    if cluster_url:
        yield Address(cluster_url, is_link(cluster_url), FROM_PODS)
    if proxy_path := status.get("proxyPath"):
        yield Address(proxy_path, is_link=False, reach=FROM_API_SERVER)


def _load_balancer_hosts(status: Json) -> Iterator[str]:
    for ingress in (status.get("loadBalancer") or {}).get("ingress") or ():
        yield from (text for field in ("ip", "hostname") if (text := ingress.get(field)))


def _reach(url: str, balancers: set[str]) -> str:
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return ""
    if not host:
        return ""
    if host in balancers:
        return FROM_LOAD_BALANCER
    if host == "localhost":
        return FROM_LOCALHOST
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return FROM_NODES_HOST
    return FROM_ANYWHERE if address.is_global else FROM_NODE_NETWORK
