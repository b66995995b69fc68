"""Gathers what a doctor wants to know, through the API server and from this machine."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from exposedapp.api.conditions import find_condition
from exposedapp.api.hosts import parse_host
from exposedapp.api.meta import NAME_LABEL, Json
from exposedapp.cli.client import Server
from exposedapp.cli.doctor.dial import dial
from exposedapp.cli.doctor.facts import Attempt, Facts, Outcome, Pod, Target, split
from exposedapp.cli.ports import protocol_of
from exposedapp.exposure.endpoints import Endpoint
from exposedapp.exposure.nodes import Node, parse_node
from exposedapp.status.pods import pod_failure

MAX_IN_FLIGHT = 16

MOST_TARGETS = 8
"""So many pods' ports are tried from inside; more of the same app would tell the same."""

MOST_URLS = 64
"""As many again would tell little more, and time-outs add up: 64 take 16 seconds, or 24 when they
are https and the servers are mute."""

ANSWER_SECONDS = 3.0
"""How long an operator may take to answer before it is called silent."""


async def gather(
    server: Server, name: str, try_url: Callable[[str], Awaitable[Attempt]] = dial
) -> Facts:
    """The facts about an app."""
    app = await _answered(server, name)
    if app is None:
        return Facts(server.namespace, name, None)
    selector = _selector(app)
    service, slices, bodies, pods = await asyncio.gather(
        server.get("Service", server.namespace, name),
        server.endpoint_slices(name),
        server.nodes(),
        server.pods(server.namespace, selector) if selector else _none(),
    )
    nodes = [parse_node(it) for it in bodies]
    places = sorted(_places(slices))[:MOST_TARGETS]
    urls = sorted((app.get("status") or {}).get("urls") or [], key=_port_first)
    gate = asyncio.Semaphore(MAX_IN_FLIGHT)

    async def target(pod: str, number: int) -> Target:
        async with gate:
            return Target(pod, number, await server.listens(pod, number))

    async def attempt(url: str) -> Attempt:
        if protocol_of(app, url) != "TCP":
            return Attempt(url, Outcome.UNTRIED)
        async with gate:
            return await try_url(url)

    targets, attempts = await asyncio.gather(
        asyncio.gather(*(target(*it) for it in places)),
        asyncio.gather(*(attempt(it) for it in urls[:MOST_URLS])),
    )
    return Facts(
        server.namespace,
        name,
        app,
        pods=await _pods(server, pods),
        endpoints=_endpoints(slices),
        targets=targets,
        service=service,
        nodes=_addresses(nodes),
        cluster=nodes,
        attempts=attempts,
        left_out=len(urls[MOST_URLS:]),
    )


async def _answered(server: Server, name: str) -> Json | None:
    """The app, once the operator has answered it, or has had the time to."""
    deadline = asyncio.get_running_loop().time() + ANSWER_SECONDS
    while True:
        app = await server.find(name)
        if app is None:
            return None
        answered = (app.get("status") or {}).get("observedGeneration", -1)
        if (
            answered >= app["metadata"]["generation"]
            or asyncio.get_running_loop().time() > deadline
        ):
            return app
        await asyncio.sleep(0.2)


def _port_first(url: str) -> tuple[int, str]:
    """All nodes at one port come before the next port, should there be too many."""
    parts = split(url)
    return (parts and parts.port) or 0, url


def _selector(app: Json) -> str:
    told = (app.get("status") or {}).get("selector")
    if told:
        return str(told)
    name = app["metadata"]["name"]
    labels = app["spec"].get("selector") or (app["spec"].get("image") and {NAME_LABEL: name}) or {}
    return ",".join(f"{key}={value}" for key, value in labels.items())


async def _none() -> list[Json]:
    return []


async def _pods(server: Server, bodies: Sequence[Json]) -> list[Pod]:
    standing = [it for it in bodies if "deletionTimestamp" not in it["metadata"]]
    standing.sort(key=lambda it: str(it["metadata"]["creationTimestamp"]), reverse=True)
    found = [Pod(it["metadata"]["name"], _is_ready(it)) for it in standing]
    if not found or any(it.ready for it in found):
        return found
    newest, trouble = found[0], pod_failure(standing)
    words = trouble.message if trouble else await server.warning(newest.name)
    if words and newest.name not in words:
        words = f"Pod {newest.name}: {words}"
    return [Pod(newest.name, ready=False, words=words), *found[1:]]


def _is_ready(pod: Json) -> bool:
    ready = find_condition((pod.get("status") or {}).get("conditions"), "Ready")
    return ready is not None and ready["status"] == "True"


def _endpoints(slices: Sequence[Json]) -> list[Endpoint]:
    return [
        Endpoint(
            pod=_pod(it),
            ready=(it.get("conditions") or {}).get("ready") is not False,
            terminating=bool((it.get("conditions") or {}).get("terminating")),
            node=it.get("nodeName"),
        )
        for part in slices
        for it in part.get("endpoints") or ()
    ]


def _places(slices: Sequence[Json]) -> set[tuple[str, int]]:
    """Each TCP port of each ready pod that gets traffic."""
    return {
        (pod, port["port"])
        for part in slices
        for it in part.get("endpoints") or ()
        for port in part.get("ports") or ()
        if port.get("protocol", "TCP") == "TCP"
        and port.get("port")
        and (it.get("conditions") or {}).get("ready") is not False
        and (pod := _pod(it))
    }


def _pod(endpoint: Json) -> str:
    return str((endpoint.get("targetRef") or {}).get("name", ""))


def _addresses(nodes: Sequence[Node]) -> dict[str, str]:
    """By the addresses as URLs have them."""
    found = {}
    for node in nodes:
        for _, address in node.addresses:
            host = parse_host(address.lower())
            found[host.text if host else address] = node.name
    return found
