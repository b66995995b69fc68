# SPDX-License-Identifier: Apache-2.0
"""The addresses of a Service that depend on no node: inside the cluster, and its API proxy. Pure.

Called by urls.py.
"""

from collections.abc import Sequence

from exposedapp.api.app import PortStatus
from exposedapp.api.meta import AppRef, Json
from exposedapp.exposure.exposure import Exposure
from exposedapp.exposure.port_urls import PortUrls, listed_ports


def in_cluster_exposure(app: AppRef, service_spec: Json, ports: Sequence[PortUrls]) -> Exposure:
    """The part of an exposure that does not depend on nodes; `ports` has the main one first."""
    # The API server proxies to pods only, so never to an ExternalName.
    proxied = ports if service_spec["type"] != "ExternalName" else ()
    return Exposure(
        ports=[_port_status(port) for port in listed_ports(service_spec)],
        cluster_ips=[ip for ip in service_spec.get("clusterIPs") or () if ip != "None"],
        cluster_url=next((_cluster_url(app, port) for port in ports), None),
        proxy_path=next((_proxy_path(app, port) for port in proxied), None),
    )


def _port_status(service_port: Json) -> PortStatus:
    return PortStatus(
        name=service_port.get("name"),
        port=service_port["port"],
        target_port=service_port["targetPort"],
        node_port=service_port.get("nodePort"),
        protocol=service_port.get("protocol", "TCP"),
    )


def _cluster_url(app: AppRef, port: PortUrls) -> str:
    return f"{port.scheme}://{app.name}.{app.namespace}.svc:{port.port}"


def _proxy_path(app: AppRef, port: PortUrls) -> str | None:
    """The API server's proxy path to a port; None where it cannot proxy: it speaks HTTP only."""
    if port.protocol != "TCP":
        return None
    name = f"https:{app.name}" if port.scheme == "https" else app.name
    return f"/api/v1/namespaces/{app.namespace}/services/{name}:{port.port}/proxy/"
