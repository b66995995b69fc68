# SPDX-License-Identifier: Apache-2.0
"""What must hold of the objects: apart from a delay always, and when all is calm. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from faults.api_server import Json

ADOPT_ANNOTATION = "exposedapp.dev/adopt"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The objects of one moment, as far as lists one after the other are one moment."""

    apps: list[Json]
    deployments: list[Json]
    services: list[Json]
    nodes: list[Json]


def violations(snapshot: Snapshot) -> Iterator[str]:
    """What must not last: the operator has to repair each of these."""
    hosts = set(eligible_hosts(snapshot.nodes))
    users: dict[int, set[str]] = {}
    for app in snapshot.apps:
        name = app["metadata"]["name"]
        for url in app.get("status", {}).get("urls", ()):
            parts = urlsplit(url)
            if parts.hostname not in hosts:
                yield f"{name} lists {parts.hostname}, which is no eligible node"
            if parts.port:
                users.setdefault(parts.port, set()).add(name)
    for port, names in users.items():
        if len(names) > 1:
            yield f"{', '.join(sorted(names))} list the one node port {port}"
    uids = {app["metadata"]["uid"] for app in snapshot.apps}
    for body in (*snapshot.deployments, *snapshot.services):
        for owner in body["metadata"].get("ownerReferences", ()):
            if owner["uid"] not in uids:
                yield f"{body['metadata']['name']} belongs to an app that is not there"


def unfinished(snapshot: Snapshot, expected: dict[str, Json]) -> Iterator[str]:
    """What differs from the state that the expected specs, by app, must lead to."""
    apps = _by_name(snapshot.apps)
    deployments = _by_name(body for body in snapshot.deployments if not _is_unadopted(body))
    services = _by_name(snapshot.services)
    for kind, objects in (("app", apps), ("Deployment", deployments), ("Service", services)):
        if surplus := objects.keys() - expected.keys():
            yield f"{kind} too many: {sorted(surplus)}"
        if missing := expected.keys() - objects.keys():
            yield f"{kind} missing: {sorted(missing)}"
    hosts = sorted(eligible_hosts(snapshot.nodes))
    for name in apps.keys() & expected.keys():
        yield from (f"{name}: {problem}" for problem in _status_problems(apps[name], hosts))
    for name in deployments.keys() & expected.keys():
        if not _runs(deployments[name], expected[name]):
            yield f"{name}: the Deployment is not as the spec"
    for name in services.keys() & expected.keys():
        if not _exposes(services[name], expected[name]):
            yield f"{name}: the Service is not as the spec"
        elif name in apps and _allocated(services[name]) != _reported(apps[name]):
            yield f"{name}: the status has other node ports than the Service"


def eligible_hosts(nodes: Iterable[Json]) -> Iterator[str]:
    """The addresses at which nodes forward, for apps without spec.nodes."""
    for node in nodes:
        conditions = node["status"].get("conditions", ())
        is_ready = any((each["type"], each["status"]) == ("Ready", "True") for each in conditions)
        if is_ready and "deletionTimestamp" not in node["metadata"]:
            addresses = node["status"].get("addresses", ())
            yield from [each["address"] for each in addresses if each["type"] == "InternalIP"][:1]


def node_ports(services: Iterable[Json]) -> dict[str, tuple[str, dict[int, int]]]:
    """By name, each Service's uid and node ports."""
    return {
        service["metadata"]["name"]: (service["metadata"]["uid"], _allocated(service))
        for service in services
    }


def _status_problems(app: Json, hosts: list[str]) -> Iterator[str]:
    status = app.get("status", {})
    if status.get("observedGeneration") != app["metadata"]["generation"]:
        yield "the status is about an earlier spec"
    ready = [each for each in status.get("conditions", ()) if each["type"] == "Ready"]
    if not ready or ready[0]["status"] != "True":
        yield f"not Ready: {ready[0].get('message') if ready else 'no condition'}"
    if app["spec"]["service"]["type"] == "NodePort":
        listed = sorted({str(urlsplit(url).hostname) for url in status.get("urls", ())})
        if listed != hosts:
            yield f"lists {listed} instead of {hosts}"


def _is_unadopted(deployment: Json) -> bool:
    """Whether another client created it, and its app was deleted before it could adopt it."""
    metadata = deployment["metadata"]
    return "ownerReferences" not in metadata and ADOPT_ANNOTATION in metadata.get("annotations", {})


def _runs(deployment: Json, spec: Json) -> bool:
    containers = deployment["spec"]["template"]["spec"]["containers"]
    environments = [container.get("env") for container in containers]
    return deployment["spec"]["replicas"] == spec["replicas"] and spec["env"] in environments


def _exposes(service: Json, spec: Json) -> bool:
    ports = {port["port"] for port in service["spec"]["ports"]}
    return service["spec"]["type"] == spec["service"]["type"] and ports == {
        port["port"] for port in spec["ports"]
    }


def _allocated(service: Json) -> dict[int, int]:
    ports = service["spec"].get("ports", ())
    return {port["port"]: port["nodePort"] for port in ports if "nodePort" in port}


def _reported(app: Json) -> dict[int, int]:
    ports = app.get("status", {}).get("ports", ())
    return {port["port"]: port["nodePort"] for port in ports if "nodePort" in port}


def _by_name(bodies: Iterable[Json]) -> dict[str, Json]:
    return {body["metadata"]["name"]: body for body in bodies}
