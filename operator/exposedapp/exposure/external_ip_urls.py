# SPDX-License-Identifier: Apache-2.0
"""URLs at a Service's external IPs, which something outside the cluster routes to its nodes. Pure.

Called by urls.py. Users choose these addresses, so they are not probed.
"""

from collections.abc import Iterator

from exposedapp.api.hosts import parse_host
from exposedapp.api.meta import Json
from exposedapp.exposure.external_url import ExternalUrl, UrlOrigin
from exposedapp.exposure.port_urls import PortUrls


def external_ips(service_spec: Json) -> list[str]:
    """The Service's external IPs that can be part of a URL."""
    hosts = (parse_host(text.lower()) for text in service_spec.get("externalIPs") or ())
    return [host.text for host in hosts if host]


def external_ip_urls(port: PortUrls, service_spec: Json) -> Iterator[ExternalUrl]:
    """The URLs of one port: nodes accept connections to these addresses at the Service's port."""
    for host in external_ips(service_spec):
        yield ExternalUrl(port.url(host, port.port), port, host, UrlOrigin.EXTERNAL_IP)
