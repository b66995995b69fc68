"""URLs at load balancers, from the Service's status. Pure. Called by urls.py."""

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


def load_balancer_urls(port: PortUrls, hosts: Sequence[str]) -> Iterator[ExternalUrl]:
    """The URLs of one port: a load balancer listens on the Service's own port."""
    for host in hosts:
        yield ExternalUrl(port.url(host, port.port), port, host, UrlOrigin.LOAD_BALANCER)


def _host(address: LoadBalancerIngress) -> str | None:
    hosts = (parse_host(text.lower()) for text in (address.ip, address.hostname) if text)
    return next((host.text for host in hosts if host), None)
