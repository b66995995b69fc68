# SPDX-License-Identifier: Apache-2.0
"""Carries out the actions of a plan, against the API server and the operators."""

import asyncio
import signal
from collections.abc import Callable, Coroutine
from contextlib import suppress

from faults.api_server import APPS, COLLECTIONS, ApiServer, Json, RefusedError
from faults.interference import (
    BlackHole,
    CutLine,
    Delay,
    Disconnect,
    ExpireWatch,
    LoseAnswer,
    LoseEvent,
    Refuse,
    StaleLists,
    reads,
    right,
    writes,
)
from faults.proxy import Fault, Proxy
from faults.replicas import Replica
from faults.scenario import IMAGE
from faults.soak.invariants import ADOPT_ANNOTATION
from faults.soak.plan import Action

NODES = "/api/v1/nodes"

FAULTS: dict[str, Callable[[Proxy], Fault]] = {
    "cut": lambda _: Disconnect(),
    "answers lost": lambda _: LoseAnswer(),
    "delay": lambda _: Delay(0.5),
    "black hole": lambda _: BlackHole(),
    "410": lambda _: Refuse(410, reads),
    "429": lambda _: Refuse(429, retry_after=1),
    "500": lambda _: Refuse(500, writes),
    "503": lambda _: Refuse(503),
    "half a line": lambda _: CutLine(),
    "expired": lambda _: ExpireWatch(),
    "app's event lost": lambda _: LoseEvent("exposedapps", "MODIFIED"),
    "Service's event lost": lambda _: LoseEvent("services", "DELETED"),
    "node's event lost": lambda _: LoseEvent("nodes", "MODIFIED"),
    "stale lists": StaleLists,
    "no Services": lambda _: Refuse(403, right("patch", "services")),
    "no Lease": lambda _: Refuse(403, right("update", "leases")),
}
CUTTING = ("410", "503", "stale lists")
"""Faults of lists and watches: connections are cut at their start, so that there are some."""


class Actor:
    """What users, nodes and the network do."""

    def __init__(self, api: ApiServer, namespace: str, replicas: list[Replica]) -> None:
        self._api = api
        self._namespace = namespace
        self._replicas = replicas
        self._running: set[asyncio.Task[None]] = set()

    @property
    def is_disturbing(self) -> bool:
        """Whether a fault lasts."""
        return bool(self._running)

    async def until_calm(self) -> None:
        """Wait until no fault lasts."""
        await asyncio.gather(*self._running)

    async def perform(self, action: Action) -> None:
        """Carry out an action; a fault is only begun."""
        match action.kind:
            case "create":
                await self._create("exposedapps", self._app(action))
            case "adopt":
                await self._create("deployments", _foreign_deployment(action.target))
                await self._create("exposedapps", self._app(action))
            case "delete":
                await self._delete("exposedapps", action.target)
            case "replace":
                await self._delete("exposedapps", action.target)
                await self._create("exposedapps", self._app(action))
            case "delete child":
                plural = ("deployments", "services")[action.choice % 2]
                await self._delete(plural, action.target)
            case "edit child":
                await self._edit(action)
            case "add node" | "delete node" | "flip node":
                await self._change_node(action)
            case "fault" | "kill" | "terminate" | "freeze":
                self._disturb(action)
            case _:
                await self._api.patch(
                    "exposedapps", self._namespace, action.target, {"spec": action.spec}
                )

    def _app(self, action: Action) -> Json:
        return {
            "apiVersion": "exposedapp.dev/v1alpha1",
            "kind": "ExposedApp",
            "metadata": {"name": action.target},
            "spec": {"image": IMAGE, **action.spec},
        }

    async def _create(self, plural: str, body: Json) -> None:
        await self._api.create(plural, self._namespace, body)

    async def _delete(self, plural: str, name: str) -> None:
        base = (
            f"{APPS}/namespaces/{{}}/{plural}" if plural == "exposedapps" else COLLECTIONS[plural]
        )
        await self._api.delete(f"{base.format(self._namespace)}/{name}")

    async def _edit(self, action: Action) -> None:
        """Change what the operator has set, if that is there already."""
        changes = {"spec": {"replicas": 1}}
        with suppress(RefusedError):
            await self._api.patch("deployments", self._namespace, action.target, changes)

    async def _change_node(self, action: Action) -> None:
        path = f"{NODES}/{action.target}"
        if action.kind == "delete node":
            await self._api.delete(path)
            return
        if action.kind == "add node":
            await self._api.request("POST", NODES, _node(action.target), "application/json")
        is_ready = action.kind == "add node" or bool(action.choice % 2)
        await self._api.request("PATCH", f"{path}/status", _node_status(action.target, is_ready))

    def _disturb(self, action: Action) -> None:
        leaders = [replica for replica in self._replicas if replica.leader_only.is_leader]
        replica = (leaders or self._replicas)[0]
        match action.kind:
            case "kill":
                replica.send(signal.SIGKILL)
            case "terminate":
                replica.send(signal.SIGTERM)
            case "freeze":
                self._begin(replica.freeze())
            case _:
                # Of the leader alone, or of both.
                for chosen in self._replicas if action.choice % 3 == 0 else [replica]:
                    proxy = chosen.operator.proxy
                    self._begin(chosen.interfere(FAULTS[action.target](proxy), action.seconds))
                    if action.target in CUTTING:
                        proxy.cut_all()

    def _begin(self, disturbance: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(disturbance)
        self._running.add(task)
        task.add_done_callback(self._running.discard)


def _foreign_deployment(name: str) -> Json:
    """A Deployment of another client, which the app may adopt."""
    labels = {"app": name}
    container = {"name": "main", "image": IMAGE}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "annotations": {ADOPT_ANNOTATION: "true"}},
        "spec": {
            "replicas": 0,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }


def _node(name: str) -> Json:
    """A node without a kubelet, to which nothing is scheduled."""
    taint = {"key": "soak", "effect": "NoSchedule"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name},
        "spec": {"taints": [taint]},
    }


def _node_status(name: str, is_ready: bool) -> Json:
    number = int(name.rpartition("-")[2])
    address = f"10.255.{number // 250}.{number % 250 + 1}"
    ready = {"type": "Ready", "status": "True" if is_ready else "False", "reason": "Soak"}
    return {
        "status": {
            "addresses": [{"type": "InternalIP", "address": address}],
            "conditions": [ready],
        }
    }
