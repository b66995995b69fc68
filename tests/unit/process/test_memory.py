# SPDX-License-Identifier: Apache-2.0
"""The memory of the operator stays under the chart's limit, whatever users create."""

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
import yaml
from aiohttp import web

from support.http_api_server import HttpApiServer
from support.objects import node_body, pod_body
from support.operator_process import ROOT, OperatorProcess, until

VALUES = ROOT / "deploy" / "chart" / "exposedapp" / "values.yaml"
POD_BYTES = 10_000
"""A pod of two containers with volumes, conditions and managedFields has about so much."""


def limit_mib() -> int:
    """The limit that the chart gives the container."""
    limit = yaml.safe_load(VALUES.read_text())["resources"]["limits"]["memory"]
    assert limit.endswith("Mi")
    return int(limit.removesuffix("Mi"))


@pytest.fixture
async def server() -> AsyncIterator[HttpApiServer]:
    async with HttpApiServer() as http_api_server:
        yield http_api_server


class ManyPods:
    """Answers lists of pods: each app has as many, of which none is ready."""

    def __init__(self, count: int) -> None:
        self._pods = [self._pod(number) for number in range(count)]
        self.apps: set[str] = set()
        """The selectors whose last page was sent."""

    @staticmethod
    def _pod(number: int) -> str:
        body = pod_body(f"web-{number}", waiting={"reason": "ContainerCreating"})
        body["metadata"]["annotations"] = {"padding": "x" * POD_BYTES}
        return json.dumps(body)

    async def __call__(self, request: web.Request) -> web.StreamResponse | None:
        if not request.path.endswith("/pods"):
            return None
        query = dict(parse_qsl(request.query_string))
        start = int(query.get("continue", "0"))
        end = start + int(query["limit"])
        token = str(end) if end < len(self._pods) else ""
        items = ",".join(self._pods[start:end])
        if not token or start:
            self.apps.add(query["labelSelector"])
        metadata = json.dumps({"continue": token})
        text = f'{{"metadata": {metadata}, "items": [{items}]}}'
        return web.Response(text=text, content_type="application/json")


async def bystander_is_served(server: HttpApiServer) -> None:
    server.app("bystander")
    await until(lambda: server.url_of("bystander"), "another app is served")


def peak_mib(operator: OperatorProcess) -> float:
    """The most memory that the process has had (VmHWM in proc_pid_status(5))."""
    status = Path(f"/proc/{operator.pid}/status").read_text()
    match = re.search(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)
    assert match
    return int(match[1]) / 1024


@pytest.mark.parametrize(("apps", "pods"), [(1, 5_000), (32, 250)])
async def test_pods_that_do_not_start(
    server: HttpApiServer, tmp_path: Path, apps: int, pods: int
) -> None:
    many_pods = ManyPods(pods)
    server.faults.append(many_pods)
    for number in range(apps):
        server.app(f"web-{number}", replicas=pods)
    async with OperatorProcess(server, tmp_path) as operator:
        await until(lambda: len(many_pods.apps) == apps, "the pods of all apps are listed")
        await bystander_is_served(server)
        assert peak_mib(operator) < limit_mib()


async def test_apps_of_a_mebibyte(server: HttpApiServer, tmp_path: Path) -> None:
    padding: Any = {"metadata": {"annotations": {"padding": "x" * 2**20}}}
    names = [f"large-{number}" for number in range(100)]
    for name in names:
        server.app(name, podTemplate=padding)
    async with OperatorProcess(server, tmp_path) as operator:
        await bystander_is_served(server)
        await until(
            lambda: {server.ready_reason(name) for name in names} == {"InvalidSpec"},
            "all large apps are reported",
        )
        assert peak_mib(operator) < limit_mib()


async def test_many_nodes_and_selectors(server: HttpApiServer, tmp_path: Path) -> None:
    selectors = 200
    for number in range(5_000):
        address = f"10.{number // 65536}.{number // 256 % 256}.{number % 256}"
        labels = {"group": str(number % selectors)}
        server.put("nodes", node_body(f"node-{number}", address, labels=labels))
    names = [f"web-{number}" for number in range(selectors)]
    for number, name in enumerate(names):
        server.app(name, nodes={"selector": {"group": str(number)}})
    async with OperatorProcess(server, tmp_path) as operator:
        await until(lambda: all(map(server.url_of, names)), "all apps have a URL")
        assert peak_mib(operator) < limit_mib()
