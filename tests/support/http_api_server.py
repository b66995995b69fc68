# SPDX-License-Identifier: Apache-2.0
"""An API server over HTTP, in memory, for the real process: lists, watches, applies; and faults.

It does as little as the operator needs with apps of 0 replicas and one node. What a real API server
does is tested on a real one (tests/e2e); this one is for answers that a real one gives rarely.
"""

import asyncio
import copy
import itertools
import json
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import yaml
from aiohttp import web

from support.objects import node_body

Json = dict[str, Any]
Fault = Callable[[web.Request], Awaitable[web.StreamResponse | None]]
"""Answers a request in its own way, or not at all (None)."""

GROUPS = {
    "admissionregistration.k8s.io": "v1",
    "apps": "v1",
    "apiextensions.k8s.io": "v1",
    "coordination.k8s.io": "v1",
    "discovery.k8s.io": "v1",
    "exposedapp.dev": "v1alpha1",
}
RESOURCES = {
    "/api/v1": [
        ("services", "Service"),
        ("nodes", "Node"),
        ("namespaces", "Namespace"),
        ("configmaps", "ConfigMap"),
        ("secrets", "Secret"),
    ],
    "/apis/admissionregistration.k8s.io/v1": [
        ("validatingwebhookconfigurations", "ValidatingWebhookConfiguration")
    ],
    "/apis/apps/v1": [("deployments", "Deployment")],
    "/apis/apiextensions.k8s.io/v1": [("customresourcedefinitions", "CustomResourceDefinition")],
    "/apis/coordination.k8s.io/v1": [("leases", "Lease")],
    "/apis/discovery.k8s.io/v1": [("endpointslices", "EndpointSlice")],
    "/apis/exposedapp.dev/v1alpha1": [("exposedapps", "ExposedApp")],
}
CLUSTER_WIDE = {
    "nodes",
    "namespaces",
    "customresourcedefinitions",
    "validatingwebhookconfigurations",
}
BODY_TYPES = {
    "application/json",
    "application/apply-patch+yaml",
    "application/merge-patch+json",
}
POLL_SECONDS = 0.05
VERBS = ["get", "list", "watch", "patch", "create", "update", "delete"]


def status_body(code: int, message: str = "refused by the test") -> Json:
    """A metav1.Status."""
    return {"kind": "Status", "apiVersion": "v1", "code": code, "message": message, "reason": ""}


def refuse(code: int) -> web.Response:
    """A refusal as the API server words it."""
    return web.json_response(status_body(code), status=code)


class HttpApiServer:
    """Serves objects of the kinds in RESOURCES at 127.0.0.1."""

    def __init__(self) -> None:
        self.requests: list[web.Request] = []
        self.faults: list[Fault] = []
        self.has_crd = True
        self.page_size = 500
        self.bookmark_seconds = 0.5
        self.is_black_hole = False
        """Whether requests are accepted and neither answered nor refused, and watches silent."""
        self.allow: Callable[[web.Request], bool] = lambda _: True
        """Whether the roles let a request pass."""
        self.refuses_leases = False
        self.refused_path: str | None = None
        self._objects: dict[tuple[str, str, str], Json] = {}
        self._deleted: dict[str, list[Json]] = defaultdict(list)
        """The last states of deleted objects: a watch from before delivers the deletion."""
        self._watches: dict[str, list[asyncio.Queue[Json | None]]] = defaultdict(list)
        self._revisions = itertools.count(1000)
        self._snapshots: dict[str, list[Json]] = {}
        """The objects of the lists that have more pages, by revision."""
        self._node_ports = itertools.count(30000)
        self._runner: web.AppRunner | None = None
        self._lease_token = ""
        self.url = ""
        self.put("nodes", node_body("node-1"))

    async def __aenter__(self) -> "HttpApiServer":
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self.end_watches()
        assert self._runner
        await self._runner.cleanup()

    def kubeconfig(self, folder: Path, token: str) -> Path:
        """Write a kubeconfig that leads here; requests can be told apart by their token."""
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "test",
            "clusters": [{"name": "test", "cluster": {"server": self.url}}],
            "users": [{"name": "test", "user": {"token": token}}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
        }
        path = folder / "kubeconfig"
        path.write_text(yaml.safe_dump(config))
        return path

    # what tests do

    def app(self, name: str, namespace: str = "shop", **spec: Any) -> Json:
        """Create an app without pods."""
        body = {
            "apiVersion": "exposedapp.dev/v1alpha1",
            "kind": "ExposedApp",
            "metadata": {"namespace": namespace, "name": name},
            "spec": {"image": "demo", "replicas": 0, "ports": [{"port": 80}], **spec},
            "status": {"observedGeneration": -1},
        }
        return self.put("exposedapps", body)

    def get(self, plural: str, name: str, namespace: str = "shop") -> Json | None:
        """An object as it is now."""
        return self._objects.get((plural, namespace, name))

    def url_of(self, name: str, namespace: str = "shop") -> str | None:
        """The URL in the status of an app."""
        body = self.get("exposedapps", name, namespace)
        return body["status"].get("url") if body else None

    def writers(self, since: int = 0) -> list[str]:
        """The tokens of the requests that wrote anything but Leases, from one request on."""
        return [
            request.headers["Authorization"].removeprefix("Bearer ")
            for request in self.requests[since:]
            if request.method != "GET" and "/leases" not in request.path
        ]

    @property
    def leader(self) -> str:
        """The token of the client that last wrote the Lease; empty when nobody holds it."""
        return self._lease_token if self._lease_holder else ""

    @property
    def _lease_holder(self) -> str:
        leases = [body for (plural, _, _), body in self._objects.items() if plural == "leases"]
        return str(leases[0]["spec"]["holderIdentity"]) if leases else ""

    def ready_reason(self, name: str) -> str | None:
        """The reason of an app's condition Ready."""
        body = self.get("exposedapps", name)
        conditions = body["status"].get("conditions") or () if body else ()
        reasons = (each["reason"] for each in conditions if each["type"] == "Ready")
        return next(reasons, None)

    def put(self, plural: str, body: Json, *, silently: bool = False) -> Json:
        """Create or replace an object; `silently`: no watch delivers it."""
        metadata = body["metadata"]
        key = (plural, metadata.get("namespace", ""), metadata["name"])
        before = self._objects.get(key)
        same_spec = before is not None and before.get("spec") == body.get("spec")
        generation = before["metadata"]["generation"] if before else 0
        revision = str(next(self._revisions))
        metadata["uid"] = before["metadata"]["uid"] if before else f"uid-{revision}"
        metadata["generation"] = generation if same_spec else generation + 1
        metadata["resourceVersion"] = revision
        self._objects[key] = body
        if not silently:
            self._notify(plural, "MODIFIED" if before else "ADDED", body)
        return body

    def delete(
        self, plural: str, name: str, namespace: str = "shop", *, silently: bool = False
    ) -> None:
        """Delete an object; `silently`: no watch delivers it."""
        body = self._objects.pop((plural, namespace, name))
        body["metadata"]["resourceVersion"] = str(next(self._revisions))
        if not silently:
            self._deleted[plural].append(body)
            self._notify(plural, "DELETED", body)

    def send(self, plural: str, event: Json) -> None:
        """Put an event of any kind into the open watches."""
        for queue in self._watches[plural]:
            queue.put_nowait(event)

    def backup(self) -> tuple[dict[tuple[str, str, str], Json], int]:
        """All objects and the revision, for restore()."""
        return copy.deepcopy(self._objects), next(self._revisions)

    def skip_revisions(self, count: int) -> None:
        """Let revisions pass, as writes to kinds do that nobody watches."""
        self._revisions = itertools.count(next(self._revisions) + count)

    def restore(self, backup: tuple[dict[tuple[str, str, str], Json], int]) -> None:
        """Go back to a backup, as etcd and the API server do: revisions, too; watches end."""
        objects, revision = backup
        self._objects = copy.deepcopy(objects)
        self._deleted.clear()
        self._revisions = itertools.count(revision + 1)
        self.end_watches()

    def end_watches(self, plural: str | None = None) -> None:
        """End open watch requests as a timeout does."""
        for name, queues in self._watches.items():
            for queue in queues if plural in (None, name) else ():
                queue.put_nowait(None)

    @property
    def discovery_paths(self) -> set[str]:
        """Where clients look which kinds there are."""
        return {"/api", "/apis", *RESOURCES}

    def is_watched(self, plural: str) -> bool:
        """Whether a watch is open."""
        return bool(self._watches[plural])

    # HTTP

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        while self.is_black_hole:
            await asyncio.sleep(POLL_SECONDS)
        if refusal := self._refusal(request):
            return refusal
        for fault in self.faults:
            response = await fault(request)
            if response is not None:
                return response
        discovery = self._discovery(request.path)
        if discovery is not None:
            return discovery
        path = request.path
        root = next((root for root in RESOURCES if path.startswith(f"{root}/")), None)
        if root is None or ("exposedapp" in root and not self.has_crd):
            return refuse(404)
        parts = path.removeprefix(f"{root}/").split("/")
        namespace = parts[1] if parts[0] == "namespaces" else ""
        plural, *parts_of_name = parts[2:] if namespace else parts
        if parts_of_name:
            return await self._object(request, plural, namespace, *parts_of_name)
        if request.method == "POST":
            return self._create(request, plural, namespace, await request.json())
        if "watch" in request.query:
            return await self._watch(request, plural, namespace)
        return self._list(request, plural, namespace)

    def _refusal(self, request: web.Request) -> web.Response | None:
        if not self.allow(request):
            return refuse(403)
        if request.path == self.refused_path or (self.refuses_leases and "/leases" in request.path):
            return refuse(403)
        if request.body_exists and request.content_type not in BODY_TYPES:
            return refuse(415)
        return None

    def _discovery(self, path: str) -> web.Response | None:
        if path == "/api":
            return web.json_response({"versions": ["v1"]})
        if path == "/apis":
            return web.json_response({"groups": [*map(_group, self._groups().items())]})
        if path not in RESOURCES:
            return None
        if "exposedapp" in path and not self.has_crd:
            return refuse(404)
        return web.json_response({"resources": [*map(_resource, RESOURCES[path])]})

    def _groups(self) -> dict[str, str]:
        return {
            name: version
            for name, version in GROUPS.items()
            if self.has_crd or name != "exposedapp.dev"
        }

    def _list(self, request: web.Request, plural: str, namespace: str) -> web.Response:
        start, revision, bodies = 0, str(next(self._revisions)), self._all(plural, namespace)
        if token := request.query.get("continue"):
            # As the real one: all pages are of the revision of the first.
            start_text, revision = token.split("/")
            start, bodies = int(start_text), self._snapshots[revision]
        size = min(int(request.query.get("limit", "500")), self.page_size)
        end = start + size if start + size < len(bodies) else None
        metadata: Json = {"resourceVersion": revision}
        if end is not None:
            metadata["continue"] = f"{end}/{revision}"
            self._snapshots[revision] = bodies
        items: list[Json] | None = bodies[start:end]
        if "PartialObjectMetadataList" in request.headers.get("Accept", ""):
            # None when there are none: the real one has null in these lists alone.
            items = [{"metadata": body["metadata"]} for body in bodies[start:end]] or None
        return web.json_response({"metadata": metadata, "items": items})

    def _all(self, plural: str, namespace: str) -> list[Json]:
        """All objects of a kind, or those of a namespace."""
        return [
            body
            for key, body in sorted(self._objects.items())
            if key[0] == plural and namespace in ("", key[1])
        ]

    async def _watch(self, request: web.Request, plural: str, namespace: str) -> web.StreamResponse:
        timeout = request.query.get("timeoutSeconds", "3600")
        if not timeout.isdecimal():  # as the real one: strconv.ParseInt
            raise web.HTTPBadRequest(text=f'parsing "{timeout}": invalid syntax')
        seconds = int(timeout)
        queue: asyncio.Queue[Json | None] = asyncio.Queue()
        since = int(request.query.get("resourceVersion", "0"))
        events = [
            *({"type": "MODIFIED", "object": body} for body in self._all(plural, namespace)),
            *({"type": "DELETED", "object": body} for body in self._deleted[plural]),
        ]
        for past in sorted(events, key=_version_of):
            queue.put_nowait(copy.deepcopy(past))
        self._watches[plural].append(queue)
        stream = web.StreamResponse(headers={"Content-Type": "application/json"})
        try:
            await stream.prepare(request)
            end = time.monotonic() + seconds
            while (event := await self._next_event(queue)) is not None:
                while self.is_black_hole:
                    await asyncio.sleep(POLL_SECONDS)
                if _is_after(event, since) and _is_in(event, namespace):
                    await stream.write(json.dumps(event).encode() + b"\n")
                if time.monotonic() > end:
                    break
        except ConnectionError:
            pass  # the client has gone
        finally:
            self._watches[plural].remove(queue)
        return stream

    async def _next_event(self, queue: asyncio.Queue[Json | None]) -> Json | None:
        """The next event, or a bookmark, or None at the end of the watch."""
        try:
            async with asyncio.timeout(self.bookmark_seconds):
                return await queue.get()
        except TimeoutError:
            if not queue.empty():  # it came just now: a bookmark would claim that it was delivered
                return queue.get_nowait()
            revision = str(next(self._revisions))
            return {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": revision}}}

    def _create(
        self, request: web.Request, plural: str, namespace: str, body: Json
    ) -> web.Response:
        if (plural, namespace, body["metadata"]["name"]) in self._objects:
            return refuse(409)
        body["metadata"]["namespace"] = namespace
        self._note_lease(request, plural)
        return web.json_response(self.put(plural, body), status=201)

    def _replace(self, request: web.Request, plural: str, live: Json, body: Json) -> web.Response:
        if body["metadata"]["resourceVersion"] != live["metadata"]["resourceVersion"]:
            return refuse(409)
        self._note_lease(request, plural)
        return web.json_response(self.put(plural, body))

    def _note_lease(self, request: web.Request, plural: str) -> None:
        if plural == "leases":
            self._lease_token = request.headers["Authorization"].removeprefix("Bearer ")

    async def _object(
        self, request: web.Request, plural: str, namespace: str, name: str, subresource: str = ""
    ) -> web.Response:
        live = self._objects.get((plural, namespace, name))
        if request.method == "PATCH":
            patch = json.loads(await request.read())
            if subresource == "status":
                return self._patch_status(plural, live, patch)
            body = self._applied(plural, live, patch)
            if "dryRun" not in request.query:
                return web.json_response(self.put(plural, body))
            body["metadata"] |= {"uid": "uid-dry-run", "resourceVersion": "1"}
            return web.json_response(body)
        if live is None:
            return refuse(404)
        if request.method == "PUT":
            return self._replace(request, plural, live, await request.json())
        if request.method == "DELETE":
            self.delete(plural, name, namespace)
        return web.json_response(live)

    def _patch_status(self, plural: str, live: Json | None, patch: Json) -> web.Response:
        if live is None:
            return refuse(404)
        if patch["metadata"]["resourceVersion"] != live["metadata"]["resourceVersion"]:
            return refuse(409)
        changed = copy.deepcopy(live)
        changed["status"] = {
            key: value
            for key, value in {**live["status"], **patch["status"]}.items()
            if value is not None
        }
        body = self.put(plural, changed)
        return web.json_response({"metadata": body["metadata"]})

    def _applied(self, plural: str, live: Json | None, patch: Json) -> Json:
        body = {**copy.deepcopy(live or {}), **patch}
        body["metadata"] = {**patch["metadata"]}
        if plural == "services":
            spec = body["spec"]
            spec.update(clusterIPs=["10.96.0.1"], ipFamilies=["IPv4"], sessionAffinity="None")
            for port in spec["ports"]:
                port.setdefault("nodePort", next(self._node_ports))
        return body

    def _notify(self, plural: str, event_type: str, body: Json) -> None:
        self.send(plural, {"type": event_type, "object": copy.deepcopy(body)})


def _is_after(event: Json, version: int) -> bool:
    """Whether a watch from this version delivers an event; it is silent up to a future one."""
    metadata = event["object"].get("metadata") or {}
    return int(metadata.get("resourceVersion") or version + 1) > version


def _version_of(event: Json) -> int:
    return int(event["object"]["metadata"]["resourceVersion"])


def _is_in(event: Json, namespace: str) -> bool:
    """Whether a watch of a namespace, "" for all, delivers an event; bookmarks have none."""
    return namespace in ("", (event["object"].get("metadata") or {}).get("namespace", namespace))


def _group(item: tuple[str, str]) -> Json:
    name, version = item
    versions = [{"version": version, "groupVersion": f"{name}/{version}"}]
    return {"name": name, "versions": versions, "preferredVersion": versions[0]}


def _resource(item: tuple[str, str]) -> Json:
    plural, kind = item
    namespaced = plural not in CLUSTER_WIDE
    return {
        "name": plural,
        "kind": kind,
        "singularName": kind.lower(),
        "namespaced": namespaced,
        "verbs": VERBS,
    }
