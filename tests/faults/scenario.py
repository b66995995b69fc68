# SPDX-License-Identifier: Apache-2.0
"""What a user does to a few apps, and the state that follows from it.

The apps have 0 replicas or 1: what is compared is the operator's part, not the kubelet's.
"""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from faults.api_server import ApiServer, Json, RefusedError

State = dict[str, Json]
"""An object's kind and name -> what is compared of it."""

Step = Callable[["Apps"], Awaitable[None]]

RECOVERY_SECONDS = 75.0
"""A deadline: how long it took is printed as measured."""
IMAGE = "localhost/exposedapp/demo:dev"
POLL_SECONDS = 0.1
QUIET_SECONDS = 2.0
SETTLE_SECONDS = 60.0
ALLOCATED = ("clusterIP", "clusterIPs", "healthCheckNodePort")
DESIRED_HASH = "exposedapp.dev/desired-hash"
"""Its value depends on the owner's uid."""
TIME = re.compile(r"\d{4}-\d\d-\d\dT[0-9:.]+Z")
KINDS = {"exposedapps": "ExposedApp", "deployments": "Deployment", "services": "Service"}


@dataclass(frozen=True, slots=True)
class StepRun:
    """What one step leads to when nothing interferes."""

    state: State
    writes: list[str]
    """The operator's writes in their order."""


class Apps:
    """The apps of one namespace, and which Services and node ports they were given first."""

    def __init__(self, api: ApiServer, namespace: str) -> None:
        self.namespace = namespace
        self._api = api
        self._first: dict[str, tuple[str, dict[str, int]]] = {}

    async def create(self, name: str, **spec: Any) -> None:
        """Create an app without pods, unless the spec has replicas."""
        body = {
            "apiVersion": "exposedapp.dev/v1alpha1",
            "kind": "ExposedApp",
            "metadata": {"name": name},
            "spec": {
                "image": IMAGE,
                "replicas": 0,
                "ports": [{"port": 80, "targetPort": 8080}],
                **spec,
            },
        }
        await self._api.create("exposedapps", self.namespace, body)

    async def change(self, name: str, **spec: Any) -> None:
        """Merge changes into an app's spec."""
        await self._api.patch("exposedapps", self.namespace, name, {"spec": spec})

    async def delete(self, name: str) -> None:
        """Delete an app."""
        await self._api.delete(
            f"/apis/exposedapp.dev/v1alpha1/namespaces/{self.namespace}/exposedapps/{name}"
        )

    async def state(self) -> State:
        """All apps and children, as far as they do not differ between two undisturbed runs."""
        lists = await asyncio.gather(*(self._api.list(plural, self.namespace) for plural in KINDS))
        objects = dict(zip(KINDS, lists, strict=True))
        self._remember(objects["services"])
        owners = {app["metadata"]["uid"]: app["metadata"]["name"] for app in objects["exposedapps"]}
        node_ports = {
            str(port["nodePort"])
            for service in objects["services"]
            for port in service["spec"].get("ports", ())
            if "nodePort" in port
        }
        normalize = _Normalizer(self.namespace, node_ports)
        return {
            f"{KINDS[plural]} {body['metadata']['name']}": normalize(
                _compared_fields(body, plural, owners)
            )
            for plural, items in objects.items()
            for body in items
        }

    def _remember(self, services: list[Json]) -> None:
        for service in services:
            self._first.setdefault(service["metadata"]["name"], _identity(service))

    async def replaced_services(self) -> list[str]:
        """Services that are not those that were first there, or have another node port."""
        return [
            f"{name}: {self._first[name]} became {_identity(service)}"
            for service in await self._api.list("services", self.namespace)
            if (name := service["metadata"]["name"]) in self._first
            and not _is_kept(self._first[name], _identity(service))
        ]


def _identity(service: Json) -> tuple[str, dict[str, int]]:
    ports = service["spec"].get("ports", ())
    return service["metadata"]["uid"], {
        str(port["port"]): port["nodePort"] for port in ports if "nodePort" in port
    }


def _is_kept(first: tuple[str, dict[str, int]], last: tuple[str, dict[str, int]]) -> bool:
    """Whether the same Service has the same node port for each port that still has one."""
    return first[0] == last[0] and all(
        first[1].get(port, number) == number for port, number in last[1].items()
    )


def _compared_fields(body: Json, plural: str, owners: dict[str, str]) -> Json:
    metadata = body["metadata"]
    compared = {
        "labels": metadata.get("labels"),
        "annotations": {
            name: "of its owner" if name == DESIRED_HASH else value
            for name, value in metadata.get("annotations", {}).items()
            if not name.startswith("deployment.kubernetes.io/")
        },
        "owners": [
            f"{owner['kind']} {owners.get(owner['uid'], 'that is not there')}"
            for owner in metadata.get("ownerReferences", ())
        ],
        "deleting": "deletionTimestamp" in metadata,
        "spec": body["spec"],
    }
    if plural == "exposedapps":
        compared["status"] = _compared_status(body.get("status") or {})
    return compared


def _compared_status(status: Json) -> Json:
    """A status; which of its URLs is the first depends on the node on which a pod runs."""
    urls = status.get("urls") or []
    if status.get("url") not in urls:
        return status
    return {**status, "url": "one of urls", "urls": sorted(urls)}


class _Normalizer:
    """Removes what the cluster allocates: addresses, ports, times, and the namespace's name."""

    def __init__(self, namespace: str, node_ports: set[str]) -> None:
        self._namespace = namespace
        self._port = re.compile(rf"\b({'|'.join(node_ports)})\b") if node_ports else None

    def __call__(self, value: Any, field: str = "") -> Any:
        if field in ALLOCATED:
            return "allocated"
        if isinstance(value, dict):
            return {name: self(part, name) for name, part in value.items()}
        if isinstance(value, list):
            return [self(part) for part in value]
        if isinstance(value, int) and not isinstance(value, bool):
            return "PORT" if self._port and self._port.fullmatch(str(value)) else value
        return self._text(value) if isinstance(value, str) else value

    def _text(self, text: str) -> str:
        text = TIME.sub("TIME", text).replace(self._namespace, "NAMESPACE")
        return self._port.sub("PORT", text) if self._port else text


def differences(expected: Any, actual: Any, path: str = "") -> list[str]:
    """What differs, one line per field."""
    if isinstance(expected, dict) and isinstance(actual, dict):
        return [
            line
            for name in sorted(expected.keys() | actual.keys())
            for line in differences(
                expected.get(name, "(nothing)"), actual.get(name, "(nothing)"), f"{path}.{name}"
            )
        ]
    if isinstance(expected, list) and isinstance(actual, list) and len(expected) == len(actual):
        pairs = zip(expected, actual, strict=True)
        return [
            line
            for number, (one, other) in enumerate(pairs)
            for line in differences(one, other, f"{path}[{number}]")
        ]
    return [] if expected == actual else [f"{path[1:]}: {actual} instead of {expected}"]


async def _create(apps: Apps) -> None:
    await apps.create("web", replicas=1)
    await apps.create("idle")
    await apps.create("typed")
    await apps.create("doomed")


async def _change(apps: Apps) -> None:
    await apps.change("web", replicas=0)
    await apps.change("idle", env=[{"name": "STEP", "value": "changed"}])
    await apps.change("typed", service={"type": "ClusterIP"})
    await apps.delete("doomed")
    await apps.create("late")


async def _scale_back(apps: Apps) -> None:
    await apps.change("web", replicas=1)
    await apps.change(
        "idle", ports=[{"name": "a", "port": 80, "targetPort": 8080}, {"name": "b", "port": 81}]
    )


BEFORE: Step = _create
CHANGES: tuple[Step, ...] = (_change, _scale_back)


async def _small_create(apps: Apps) -> None:
    await apps.create("small")


async def _small_change(apps: Apps) -> None:
    await apps.change("small", env=[{"name": "STEP", "value": "changed"}])


async def _small_ports(apps: Apps) -> None:
    await apps.change("small", ports=[{"name": "a", "port": 80}, {"name": "b", "port": 81}])


async def _small_type(apps: Apps) -> None:
    await apps.change("small", service={"type": "ClusterIP"})


ONE_APP: dict[str, Step] = {
    "create": _small_create,
    "change": _small_change,
    "ports": _small_ports,
    "type": _small_type,
}
"""One app without pods, one step after the other: each write of a reconcile happens in it."""


async def new_namespace(api: ApiServer) -> str:
    """Create a namespace that a test has for itself."""
    name = f"faults-{uuid4().hex[:8]}"
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    await api.request("POST", "/api/v1/namespaces", body, "application/json")
    async with asyncio.timeout(SETTLE_SECONDS):
        while True:  # the ServiceAccount comes a moment later, and pods need it
            try:
                await api.request("GET", f"/api/v1/namespaces/{name}/serviceaccounts/default")
            except RefusedError:
                await asyncio.sleep(POLL_SECONDS)
            else:
                return name


async def settle(apps: Apps) -> State:
    """Wait until every status is about the present spec and nothing changes any more."""
    state, since = await apps.state(), time.monotonic()
    async with asyncio.timeout(SETTLE_SECONDS):
        while not _is_settled(state) or time.monotonic() - since < QUIET_SECONDS:
            await asyncio.sleep(POLL_SECONDS)
            if (now := await apps.state()) != state:
                state, since = now, time.monotonic()
    return state


def _is_settled(state: State) -> bool:
    statuses = [body["status"] or {} for name, body in state.items() if "status" in body]
    conditions = [
        {condition["type"]: condition["status"] for condition in status.get("conditions", ())}
        for status in statuses
    ]
    return bool(conditions) and all(types.get("Ready") == "True" for types in conditions)


async def reach(apps: Apps, expected: State, seconds: float) -> None:
    """Wait until the state is the expected one. Raises AssertionError with the differences."""
    state: State = {}
    try:
        async with asyncio.timeout(seconds):
            while (state := await apps.state()) != expected:
                await asyncio.sleep(POLL_SECONDS)
    except TimeoutError:
        text = "\n".join(differences(expected, state))
        raise AssertionError(f"not as expected within {seconds:.0f} s:\n{text}") from None
    replaced = await apps.replaced_services()
    assert not replaced, replaced
