# SPDX-License-Identifier: Apache-2.0
"""The catalog as a process of its own, and apps for it with any status."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self

import aiohttp

from support.http_api_server import HttpApiServer
from support.sockets import free_port

Json = dict[str, Any]

ROOT = Path(__file__).parents[2]
DEADLINE_SECONDS = 30.0
CREATED = "2026-01-02T03:04:05Z"
NODES = ("172.18.0.2", "172.18.0.3", "172.18.0.4")
ANSWERS = "The node URLs answer, tried from the operator's pod."


def condition(kind: str, status: str, reason: str, message: str) -> Json:
    """A condition about the first generation."""
    return {
        "type": kind,
        "status": status,
        "reason": reason,
        "message": message,
        "observedGeneration": 1,
        "lastTransitionTime": CREATED,
    }


def ready_app(name: str, namespace: str = "shop", node_port: int = 30080) -> Json:
    """An app of two pods whose URLs answer."""
    urls = [f"http://{node}:{node_port}" for node in NODES]
    available = "2 of 2 pods are available."
    return {
        "apiVersion": "exposedapp.dev/v1alpha1",
        "kind": "ExposedApp",
        "metadata": {
            "namespace": namespace,
            "name": name,
            "generation": 1,
            "creationTimestamp": CREATED,
        },
        "spec": {
            "image": "demo",
            "replicas": 2,
            "ports": [{"port": 80, "targetPort": 8080}],
            "service": {"type": "NodePort"},
        },
        "status": {
            "observedGeneration": 1,
            "url": urls[0],
            "urls": urls,
            "clusterURL": f"http://{name}.{namespace}.svc:80",
            "proxyPath": f"/api/v1/namespaces/{namespace}/services/{name}:80/proxy/",
            "ports": [{"port": 80, "targetPort": 8080, "nodePort": node_port, "protocol": "TCP"}],
            "replicas": 2,
            "readyReplicas": 2,
            "endpoints": {"ready": 2, "total": 2},
            "conditions": [
                condition("Ready", "True", "Available", available),
                condition("WorkloadAvailable", "True", "Available", available),
                condition("ServiceReady", "True", "Available", "The Service is as specified."),
                condition("Reachable", "True", "Answers", ANSWERS),
            ],
        },
    }


def failing_app(
    name: str, reason: str, message: str, namespace: str = "shop", node_port: int = 30080
) -> Json:
    """An app whose pods do not start."""
    app = ready_app(name, namespace, node_port)
    app["status"]["endpoints"] = {"ready": 0, "total": 2}
    app["status"]["readyReplicas"] = 0
    set_condition(app, "Ready", "False", reason, message)
    set_condition(app, "WorkloadAvailable", "False", reason, message)
    set_condition(app, "Reachable", "Unknown", "NotProbed", "No pod is ready.")
    return app


def unreachable_app(
    name: str, message: str, namespace: str = "shop", node_port: int = 30080
) -> Json:
    """An app whose pods are ready and whose URLs do not answer."""
    app = ready_app(name, namespace, node_port)
    set_condition(app, "Ready", "False", "Unreachable", message)
    set_condition(app, "Reachable", "False", "Unreachable", message)
    return app


def set_condition(app: Json, kind: str, status: str, reason: str, message: str) -> None:
    """Replace a condition."""
    conditions = app["status"]["conditions"]
    index = [each["type"] for each in conditions].index(kind)
    conditions[index] = condition(kind, status, reason, message)


class Catalog:
    """`python -m exposedapp.catalog` beside an API server that a test controls."""

    def __init__(self, server: HttpApiServer, folder: Path) -> None:
        self.port = free_port()
        self.url = f"http://localhost:{self.port}"
        self._log = folder / "catalog.log"
        self._environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT / "operator"),
            "KUBECONFIG": str(server.kubeconfig(folder, "catalog")),
            "PYTHONWARNINGS": "error",
        }

    async def __aenter__(self) -> Self:
        with self._log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "exposedapp.catalog", "--port", str(self.port)),
                env=self._environment,
                stderr=log,
            )
        self._session = aiohttp.ClientSession(self.url)
        async with asyncio.timeout(DEADLINE_SECONDS):
            while not await self._is_ready():
                assert self.process.returncode is None, self.log()
                await asyncio.sleep(0.05)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()
        if self.process.returncode is None:
            self.process.terminate()
        async with asyncio.timeout(DEADLINE_SECONDS):
            await self.process.wait()
        assert "Traceback" not in self.log()

    def log(self) -> str:
        """What it has logged."""
        return self._log.read_text()

    async def get(self, path: str, status: int = 200) -> str:
        """A page."""
        async with self._session.get(path) as response:
            assert response.status == status
            return await response.text()

    async def response(self, path: str) -> aiohttp.ClientResponse:
        """A response without its body."""
        async with self._session.get(path) as response:
            return response

    async def compressed_bytes(self, path: str) -> int:
        """The size of a page as a browser gets it."""
        headers = {"Accept-Encoding": "gzip"}
        async with (
            aiohttp.ClientSession(self.url, auto_decompress=False) as session,
            session.get(path, headers=headers) as response,
        ):
            assert response.headers["Content-Encoding"] == "gzip"
            return len(await response.read())

    async def until_shown(self, text: str, path: str = "/") -> str:
        """Wait until a page has this text; the page."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            while True:
                async with self._session.get(path) as response:
                    page = await response.text()
                if text in page:
                    return page
                await asyncio.sleep(0.05)

    @asynccontextmanager
    async def events(self, path: str) -> AsyncIterator[AsyncIterator[tuple[str, Any]]]:
        """The names and data of the events of a stream."""
        async with self._session.get(path) as response:
            assert response.content_type == "text/event-stream"
            yield _parse(response)

    async def _is_ready(self) -> bool:
        try:
            async with self._session.get("/readyz") as response:
                return response.status == 200
        except aiohttp.ClientConnectionError:
            return False


async def _parse(response: aiohttp.ClientResponse) -> AsyncIterator[tuple[str, Any]]:
    name = ""
    # Of a line's length aiohttp has a limit, and a row is longer.
    buffer = b""
    async for chunk in response.content.iter_any():
        *lines, buffer = (buffer + chunk).split(b"\r\n")
        for line in lines:
            field, _, value = line.decode().partition(": ")
            if field == "event":
                name = value
            elif field == "data" and value:
                yield name, json.loads(value)
            elif field == "data":
                yield name, None
