# SPDX-License-Identifier: Apache-2.0
"""What the doctor reads from the API server. Called by collect.py."""

import contextlib
from urllib.parse import quote

from exposedapp.api.meta import Json
from exposedapp.cli.client import CliClient
from exposedapp.kube.errors import ApiError
from exposedapp.kube.resources import EVENTS, PODS


async def get_service(client: CliClient, name: str) -> Json | None:
    """The app's Service; None when it does not exist."""
    return await client.kube.get("Service", client.namespace, name)


async def list_pods(client: CliClient, selector: str) -> list[Json]:
    """The pods with these labels; none without a selector, which would be all of the namespace."""
    if not selector:
        return []
    path = PODS.path(client.namespace)
    return await client.list_items(f"{path}?labelSelector={quote(selector)}&resourceVersion=0")


async def list_endpoint_slices(client: CliClient, service: str) -> list[Json]:
    """The EndpointSlices of a Service."""
    path = f"/apis/discovery.k8s.io/v1/namespaces/{client.namespace}/endpointslices"
    return await client.list_items(f"{path}?labelSelector=kubernetes.io/service-name={service}")


async def list_nodes(client: CliClient) -> list[Json]:
    """The nodes; none when the user may not list them."""
    with contextlib.suppress(ApiError):
        return await client.list_items("/api/v1/nodes?resourceVersion=0")
    return []


async def list_events(client: CliClient, field_selector: str) -> list[Json]:
    """The Events with these fields; none when the user may not list them."""
    path = EVENTS.path(client.namespace)
    with contextlib.suppress(ApiError):
        return await client.list_items(f"{path}?fieldSelector={quote(field_selector)}")
    return []
