# SPDX-License-Identifier: Apache-2.0
"""Collects what a diagnosis needs, through the API server and by probing from this machine.

Called by the commands `doctor`, `status` and `bundle`.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from exposedapp.api.conditions import ConditionType, find_condition
from exposedapp.api.hosts import parse_host
from exposedapp.api.meta import NAME_LABEL, Json
from exposedapp.cli.client import CliClient
from exposedapp.cli.doctor.cluster_objects import (
    get_service,
    list_endpoint_slices,
    list_events,
    list_nodes,
    list_pods,
)
from exposedapp.cli.doctor.diagnosis.evidence import ContainerPort, Evidence, Pod, UrlProbe
from exposedapp.cli.doctor.pod_proxy import PodProxy
from exposedapp.cli.doctor.url_probe import probe_url
from exposedapp.cli.ports import protocol_of, split_url
from exposedapp.exposure.endpoints import parse_endpoint_slice
from exposedapp.exposure.nodes import Node, parse_node
from exposedapp.status.observation import PodFailure
from exposedapp.status.pod_events import event_query, explain_pod
from exposedapp.status.pods import pod_failure, unexplained_pod

MAX_IN_FLIGHT = 16

MAX_CONTAINER_PORTS = 8
"""Ports of pods that are tried from inside; more of the same app would show the same."""

MAX_URLS = 64
"""URLs that are probed; more would show little, and timeouts add up: 64 take 16 seconds, or 24
when they are https and the servers do not respond."""

OPERATOR_GRACE_SECONDS = 3.0
"""How long the operator may take to process a new spec before it is called silent."""

POLL_INTERVAL_SECONDS = 0.2


async def collect_evidence(client: CliClient, name: str) -> Evidence:
    """Everything that is known of an app, with its ports and URLs probed."""
    app = await _observed_app(client, name)
    if app is None:
        return Evidence(client.namespace, name, None)
    evidence, slices = await _collect_objects(client, name, app)
    urls = sorted((app.get("status") or {}).get("urls") or [], key=_by_port)
    slots = asyncio.Semaphore(MAX_IN_FLIGHT)
    container_ports, probes = await asyncio.gather(
        _try_container_ports(client, _container_ports(slices)[:MAX_CONTAINER_PORTS], slots),
        asyncio.gather(*(_probe(app, url, slots) for url in urls[:MAX_URLS])),
    )
    return replace(
        evidence,
        container_ports=container_ports,
        probes=probes,
        urls_left_out=len(urls[MAX_URLS:]),
    )


async def collect_objects(client: CliClient, name: str) -> Evidence:
    """What the cluster knows of an app now; nothing is probed."""
    app = await client.find_app(name)
    if app is None:
        return Evidence(client.namespace, name, None)
    evidence, _ = await _collect_objects(client, name, app)
    return evidence


async def _collect_objects(
    client: CliClient, name: str, app: Json
) -> tuple[Evidence, Sequence[Json]]:
    """The evidence without probes, and the EndpointSlices."""
    service, slices, node_bodies, pod_bodies = await asyncio.gather(
        get_service(client, name),
        list_endpoint_slices(client, name),
        list_nodes(client),
        list_pods(client, pod_selector(app)),
    )
    nodes = [parse_node(body) for body in node_bodies]
    evidence = Evidence(
        client.namespace,
        name,
        app,
        pods=await _pods(client, pod_bodies),
        endpoints=[endpoint for body in slices for endpoint in parse_endpoint_slice(body)],
        service=service,
        nodes=nodes,
        node_names=_names_by_address(nodes),
    )
    return evidence, slices


async def _observed_app(client: CliClient, name: str) -> Json | None:
    """The app, once the operator has processed its spec or has had the time to."""
    clock = asyncio.get_running_loop().time
    deadline = clock() + OPERATOR_GRACE_SECONDS
    while True:
        app = await client.find_app(name)
        if app is None:
            return None
        observed = (app.get("status") or {}).get("observedGeneration", -1)
        if observed >= app["metadata"]["generation"] or clock() > deadline:
            return app
        await asyncio.sleep(POLL_INTERVAL_SECONDS)


async def _probe(app: Json, url: str, slots: asyncio.Semaphore) -> UrlProbe:
    if protocol_of(app, url) != "TCP":
        return UrlProbe(url)
    async with slots:
        return await probe_url(url)


async def _try_container_ports(
    client: CliClient, ports: Sequence[tuple[str, int]], slots: asyncio.Semaphore
) -> list[ContainerPort]:
    proxy = PodProxy(client.configuration, client.namespace)

    async def try_port(pod: str, number: int) -> ContainerPort:
        async with slots:
            return ContainerPort(pod, number, await proxy.listens(pod, number))

    try:
        return await asyncio.gather(*(try_port(pod, number) for pod, number in ports))
    finally:
        await proxy.close()


def _by_port(url: str) -> tuple[int, str]:
    """Sort key: of too many URLs, those of the first port at all nodes are probed."""
    parts = split_url(url)
    return (parts and parts.port) or 0, url


def pod_selector(app: Json) -> str:
    """The selector of the app's pods; empty when it has none."""
    status_selector = (app.get("status") or {}).get("selector")
    if status_selector:
        return str(status_selector)
    name, spec = app["metadata"]["name"], app["spec"]
    labels = spec.get("selector") or (spec.get("image") and {NAME_LABEL: name}) or {}
    return ",".join(f"{key}={value}" for key, value in labels.items())


async def _pods(client: CliClient, bodies: Sequence[Json]) -> list[Pod]:
    """The pods that are not being deleted; if none is ready, the first says why."""
    current = [body for body in bodies if "deletionTimestamp" not in body["metadata"]]
    current.sort(key=lambda body: str(body["metadata"]["creationTimestamp"]), reverse=True)
    pods = [Pod(body["metadata"]["name"], _is_ready(body)) for body in current]
    if any(pod.ready for pod in pods):
        return pods
    failure = await _pod_failure(client, bodies)
    if failure is None:
        return pods
    message = failure.message
    if not message.startswith("Pod "):
        message = f"Pod {failure.pod}: {message}"
    return [Pod(failure.pod, ready=False, failure=message), *pods[1:]]


async def _pod_failure(client: CliClient, bodies: Sequence[Json]) -> PodFailure | None:
    """Why the pods are not ready: the operator's judgement, without its patience."""
    failure, pod = pod_failure(bodies), unexplained_pod(bodies)
    if not pod:
        return failure
    query = event_query(pod)
    events = await list_events(client, query.field_selector) if query else []
    return explain_pod(pod, failure, events)


def _is_ready(pod: Json) -> bool:
    ready = find_condition((pod.get("status") or {}).get("conditions"), ConditionType.READY)
    return ready is not None and ready["status"] == "True"


def _container_ports(slices: Sequence[Json]) -> list[tuple[str, int]]:
    """Pod name and number of every TCP port of every ready endpoint."""
    return sorted(
        {
            (pod, port["port"])
            for body in slices
            for endpoint, parsed in zip(
                body.get("endpoints") or (), parse_endpoint_slice(body), strict=True
            )
            for port in body.get("ports") or ()
            if port.get("protocol", "TCP") == "TCP"
            and port.get("port")
            and parsed.ready
            and (pod := (endpoint.get("targetRef") or {}).get("name"))
        }
    )


def _names_by_address(nodes: Sequence[Node]) -> dict[str, str]:
    """The nodes' names by their addresses, written as in URLs."""
    names = {}
    for node in nodes:
        for _, address in node.addresses:
            host = parse_host(address.lower())
            names[host.text if host else address] = node.name
    return names
