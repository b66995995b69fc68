# SPDX-License-Identifier: Apache-2.0
"""URLs at load balancers, from the Service's status. Pure.

Called by urls.py, and by status/ and the command line to say that there are none yet.
"""

from collections.abc import Iterable, Iterator, Sequence

from exposedapp.api.hosts import parse_host
from exposedapp.api.meta import Json
from exposedapp.api.service import LoadBalancerIngress
from exposedapp.exposure.external_url import ExternalUrl, UrlOrigin
from exposedapp.exposure.port_urls import PortUrls
from exposedapp.exposure.url_budget import MAX_LOAD_BALANCER_BYTES, ingress_size


def load_balancer_ingress(service: Json) -> list[LoadBalancerIngress]:
    """The Service's load balancer addresses, as many as a status has room for."""
    load_balancer = (service.get("status") or {}).get("loadBalancer") or {}
    ingress, bytes_left = [], MAX_LOAD_BALANCER_BYTES
    for body in load_balancer.get("ingress") or ():
        address = LoadBalancerIngress.model_validate(body)
        bytes_left -= ingress_size(address)
        if bytes_left < 0:
            break
        ingress.append(address)
    return ingress


def load_balancer_hosts(ingress: Iterable[LoadBalancerIngress]) -> list[str]:
    """The host of each address that can be part of a URL; an IP before a name."""
    return [host for address in ingress if (host := _host(address))]


def pending_load_balancer(service: Json) -> str:
    """That the Service waits for a load balancer, in a sentence; "" if it does not."""
    spec = service["spec"]
    if spec["type"] != "LoadBalancer" or load_balancer_hosts(load_balancer_ingress(service)):
        return ""
    pending = "No load balancer has an address for the Service yet"
    if any(port.get("nodePort") for port in spec.get("ports") or ()):
        return f"{pending}; status.url leads to a node meanwhile."
    return f"{pending}, and it has no node ports: there is no URL meanwhile."


def load_balancer_urls(port: PortUrls, hosts: Sequence[str]) -> Iterator[ExternalUrl]:
    """The URLs of one port: a load balancer listens on the Service's own port."""
    for host in hosts:
        yield ExternalUrl(port.url(host, port.port), port, host, UrlOrigin.LOAD_BALANCER)


def _host(address: LoadBalancerIngress) -> str | None:
    hosts = (parse_host(text.lower()) for text in (address.ip, address.hostname) if text)
    return next((host.text for host in hosts if host), None)
