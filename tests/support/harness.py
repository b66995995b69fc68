# SPDX-License-Identifier: Apache-2.0
"""A small world around the reconciler: an API server in memory, watches, and a clock."""

import copy
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from exposedapp.api.meta import NAME_LABEL, Json, NamespacedName
from exposedapp.cache.cache import Cache
from exposedapp.exposure.probes import ProbeResult, ProbeResults, Target
from exposedapp.kube.errors import ApiError
from exposedapp.reconcile.interfaces import Prober
from exposedapp.reconcile.pod_poller import MAX_POLL_SECONDS
from exposedapp.reconcile.reconciler import Reconciler
from exposedapp.settings import Settings
from exposedapp.status.events import EventMessage
from exposedapp.workqueue.result import Result
from support.fake_api_server import FakeApiServer
from support.objects import FOREIGN, endpoint_body, node_body, slice_body
from support.probes import OK

KEY = NamespacedName("shop", "web")
PODS = "pods shop exposedapp.dev/name=web"
"""The request for the pods of the app, as the API server in memory calls it."""

PINNED = [{"port": 80, "nodePort": 30080}]

AWAY = ApiError(0, "NoAnswer", "no answer from the API server")
BUSY = ApiError(429, "TooManyRequests", "too many requests", retry_after=7.0)


class FakeProber:
    """Has results at once: every URL answers for which `answers` has no other result."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.answers: dict[str, ProbeResult | None] = {}
        self.targets: list[Target] = []
        self._now = clock
        self._start: float | None = None

    def set_targets(self, key: NamespacedName, targets: Iterable[Target]) -> ProbeResults:
        self.targets = list(targets)
        if not self.targets:
            self._start = None
        elif self._start is None:
            self._start = self._now()
        return ProbeResults(
            self._start,
            {target.url: self.answers.get(target.url, OK) for target in self.targets},
        )


class World:
    """A cluster, the operator with its cache, and a clock."""

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or Settings()
        """The configuration of the next operator; restart() starts one."""
        self.cluster = FakeApiServer()
        self.happened: list[EventMessage] = []
        self.now = 1000.0
        self.prober = FakeProber(lambda: self.now)
        self.probes: Prober = self.prober
        """The prober of the next operator; restart() starts one."""
        self.restart()
        self.nodes = [node_body("a", "10.0.0.1"), node_body("b", "10.0.0.2")]
        self.slices: list[Json] = []

    def restart(self) -> None:
        self.cache = Cache()
        self.reconciler = Reconciler(
            self.cluster,
            self.cache,
            self.settings,
            self.probes,
            record=lambda _, happening: self.happened.append(happening),
            clock=lambda: self.now,
        )

    def app(self, **spec: Any) -> None:
        """Creates the app, or changes its spec; None leaves a field out."""
        live = self.cluster.objects.get(("ExposedApp", *KEY))
        meta = {"namespace": KEY.namespace, "name": KEY.name}
        status = live["status"] if live else {"observedGeneration": -1}
        spec = {"image": "registry.example/web:1", "replicas": 0, "ports": [{"port": 80}], **spec}
        spec = {field: value for field, value in spec.items() if value is not None}
        self.cluster.put("ExposedApp", {"metadata": meta, "spec": spec, "status": status})

    def watch(self) -> None:
        """Brings the cache up to date, as the watches do."""
        stores = {"ExposedApp": self.cache.apps, **self.cache.children}
        watched = {
            place: body
            for place, body in self.cluster.objects.items()
            if place[0] == "ExposedApp" or NAME_LABEL in (body["metadata"].get("labels") or {})
        }
        for kind, store in stores.items():
            for key in store:
                if (kind, *key) not in watched:
                    store.delete_if(key, (store.get(key) or {})["metadata"]["uid"])
        for (kind, _, _), body in watched.items():
            stores[kind].upsert(body)
        for body in self.nodes:
            self.cache.nodes.upsert(body)
        for body in self.slices:
            self.cache.endpoint_slices.upsert(body)

    async def reconcile(self) -> float | None:
        """Reconciles; seconds until the app is reconciled again, None: not before an event."""
        self.watch()
        result = await self.reconciler.reconcile(KEY)
        assert not result.backoff, result.message
        return result.requeue_after

    async def fails(self) -> Result:
        """Reconciles, which fails in a foreseen way."""
        self.watch()
        result = await self.reconciler.reconcile(KEY)
        assert result.backoff, result
        return result

    async def settle(self) -> None:
        """Reconciles until there is nothing more to write, while the cluster runs the pods."""
        for _ in range(10):
            self.cluster.writes.clear()
            if await self.reconcile() is None and not self.cluster.writes:
                return
            if self.has("Deployment"):
                self.run_pods(ready=self.live("Deployment")["spec"]["replicas"])
            self.now += MAX_POLL_SECONDS
        pytest.fail(f"still writes {self.cluster.writes}")

    async def settle_all(self) -> None:
        """The same; pods of an app without an image are run by the user."""
        if not self.live("ExposedApp")["spec"].get("image"):
            self.serve(1)
            self.slices[0]["ports"] = [{"name": None, "port": 5432}]
        await self.settle()

    def shape(self) -> Json:
        """Children and status of the app, without allocated values and the order of the ports."""
        service = self.live("Service")["spec"]
        ports = {
            (port["port"], port["protocol"]): {**port, "nodePort": "nodePort" in port}
            for port in service.get("ports", [])
        }
        status = self.status()
        return {
            "deployment": self.live("Deployment")["spec"] if self.has("Deployment") else None,
            "service": {**service, "ports": ports, "clusterIPs": "clusterIPs" in service},
            "ready": self.ready(),
            "fields": sorted(status),
            "selector": status.get("selector"),
        }

    def run_pods(self, ready: int, total: int | None = None) -> None:
        """Sets the status of the Deployment, and the endpoints, to those of these pods."""
        total = ready if total is None else total

        def change(body: Json) -> None:
            body["status"] = {
                "observedGeneration": body["metadata"]["generation"],
                "replicas": total,
                "updatedReplicas": total,
                "readyReplicas": ready,
                "availableReplicas": ready,
            }

        self.cluster.edit("Deployment", *KEY, change)
        self.serve(ready, total)

    def serve(self, ready: int, total: int | None = None) -> None:
        """Gives the Service endpoints: `total` pods on node a, the first `ready` of them ready."""
        total = ready if total is None else total
        pods = [endpoint_body(f"p{i}", ready=i < ready) for i in range(total)]
        self.slices = [slice_body("s", *({**pod, "nodeName": "a"} for pod in pods))]

    def has(self, kind: str) -> bool:
        return (kind, *KEY) in self.cluster.objects

    def refuse(self, request: str, status: int, reason: str, message: str, times: int = 1) -> None:
        self.cluster.fail(request, ApiError(status, reason, message), times)

    def live(self, kind: str) -> Json:
        return self.cluster.objects[(kind, *KEY)]

    def status(self) -> Json:
        return dict(self.live("ExposedApp")["status"])

    def ready(self) -> tuple[str, str]:
        condition = self._ready_condition()
        return condition["status"], condition["reason"]

    def message(self) -> str:
        return str(self._ready_condition()["message"])

    def _ready_condition(self) -> Json:
        conditions: list[Json] = self.status()["conditions"]
        (ready,) = (condition for condition in conditions if condition["type"] == "Ready")
        return ready

    def node_ports(self) -> list[int]:
        return [port["nodePort"] for port in self.live("Service")["spec"]["ports"]]

    def other_service(self, node_port: int, protocol: str = "TCP") -> None:
        port = {"port": 1, "protocol": protocol, "nodePort": node_port}
        meta = {"namespace": "other", "name": "other"}
        self.cluster.put("Service", {"metadata": meta, "spec": {"ports": [port]}})

    def foreign(self, kind: str, spec: Json | None = None, **meta: Any) -> None:
        """An object that has the name of the app's child."""
        meta = {"namespace": KEY.namespace, "name": KEY.name, **meta}
        self.cluster.put(kind, {"metadata": meta, "spec": spec or copy.deepcopy(FOREIGN[kind])})
