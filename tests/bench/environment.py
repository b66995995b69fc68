# SPDX-License-Identifier: Apache-2.0
"""The cluster of a benchmark: the CRD, namespaces, fake nodes. All of it is deleted at the end."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import yaml

from bench import apps
from bench.client import KUBECONFIG, ROOT, Api, Json, Refused, for_each
from bench.processes import Process

NODES = "/api/v1/nodes"
LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
NAMESPACES = "/api/v1/namespaces"
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
FAKE = {"type": "kwok", "exposedapp.dev/bench": "fake"}
"""Labels of a fake node. The local cluster's pod network leaves out those of type kwok."""
FAKE_SELECTOR = "exposedapp.dev/bench=fake"
KWOK = [
    str(ROOT / "build" / "bin" / "kwok"),
    f"--kubeconfig={KUBECONFIG}",
    f"--config={ROOT / 'tests' / 'bench' / 'kwok.yaml'}",
    "--manage-all-nodes=false",
    f"--manage-nodes-with-label-selector={FAKE_SELECTOR}",
    "--node-lease-duration-seconds=1200",
]
"""Without a lease that is renewed (four times in so long), a node is called lost after 30 minutes,
which is this cluster's own setting (tests/kind/bench.yaml)."""
DELETION_SECONDS = 600.0
ALONE_SECONDS = 4.0


class Busy(Exception):
    """The cluster is not the benchmark's alone."""


def now() -> str:
    """The time, as the API server writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


async def apply_crd(api: Api) -> None:
    """Installs the CRD of this tree and waits until ExposedApps can be listed."""
    body = yaml.safe_load(
        (ROOT / "deploy" / "chart" / "exposedapp" / "files" / "crd.yaml").read_text()
    )
    name = body["metadata"]["name"]
    try:
        await api.post(CRDS, body)
    except Refused as refused:
        if refused.status != 409:
            raise
        known = await api.get(f"{CRDS}/{name}")
        body["metadata"]["resourceVersion"] = known["metadata"]["resourceVersion"]
        await api.put(f"{CRDS}/{name}", body)
    group, version = body["spec"]["group"], body["spec"]["versions"][0]["name"]
    plural = body["spec"]["names"]["plural"]
    async with asyncio.timeout(30):
        while True:
            try:
                await api.get(f"/apis/{group}/{version}/{plural}?limit=1")
            except Refused:
                await asyncio.sleep(0.2)
            else:
                return


@asynccontextmanager
async def namespace(api: Api, name: str) -> AsyncIterator[str]:
    """A new namespace; at the end it is deleted, and that is latencies for."""
    await _delete_namespace(api, name)
    await api.post(NAMESPACES, {"metadata": {"name": name, "labels": FAKE}})
    try:
        yield name
    finally:
        await _delete_namespace(api, name)


async def _delete_namespace(api: Api, name: str) -> None:
    end = time.monotonic() + DELETION_SECONDS
    await api.delete(f"{NAMESPACES}/{name}")
    while time.monotonic() < end:
        try:
            await api.get(f"{NAMESPACES}/{name}")
        except Refused as refused:
            if refused.status == 404:
                return
            raise
        await asyncio.sleep(0.5)
    raise TimeoutError(f"namespace {name} is not deleted after {DELETION_SECONDS:.0f} s")


def node_name(number: int) -> str:
    """The name of a fake node."""
    return f"bench-{number:04}"


def node_address(number: int) -> str:
    """Its address, of the range that is for benchmarks (RFC 2544) and leads nowhere."""
    return f"198.18.{number // 250}.{number % 250 + 1}"


def node_body(number: int) -> Json:
    """A fake node. Nothing is scheduled on it; without the label of its system, no DaemonSet."""
    return {
        "metadata": {
            "name": node_name(number),
            "labels": FAKE,
            "annotations": {"kwok.x-k8s.io/node": "fake"},
        },
        "spec": {"taints": [{"key": "exposedapp.dev/bench", "effect": "NoExecute"}]},
        "status": node_status(number),
    }


def node_status(number: int) -> Json:
    """Ready, at its address."""
    return {
        "addresses": [{"type": "InternalIP", "address": node_address(number)}],
        "conditions": [ready()],
        "nodeInfo": {
            **dict.fromkeys(
                ("machineID", "systemUUID", "bootID", "containerRuntimeVersion"), "fake"
            ),
            **dict.fromkeys(("kernelVersion", "osImage", "kubeProxyVersion"), "fake"),
            "kubeletVersion": "fake",
            "operatingSystem": "linux",
            "architecture": "amd64",
        },
    }


def ready() -> Json:
    """A node's condition Ready, with a heartbeat of now."""
    return {
        "type": "Ready",
        "status": "True",
        "reason": "KubeletReady",
        "message": "fake",
        "lastHeartbeatTime": now(),
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }


@asynccontextmanager
async def fake_nodes(api: Api, count: int) -> AsyncIterator[list[str]]:
    """Nodes beside the real ones, kept Ready by kwok; deleted at the end."""
    names = [node_name(number) for number in range(count)]
    await remove_fake_nodes(api)
    kwok = Process.start("kwok", KWOK, {})
    try:
        await for_each(range(count), lambda number: _add_node(api, number))
        yield names
    finally:
        await kwok.stop()
        await remove_fake_nodes(api)


async def _add_node(api: Api, number: int) -> None:
    await api.post(NODES, node_body(number))
    await api.patch(f"{NODES}/{node_name(number)}/status", {"status": node_status(number)})


async def remove_fake_nodes(api: Api) -> None:
    """Deletes the fake nodes, also those that an earlier run left."""
    nodes = await api.get(f"{NODES}?labelSelector={FAKE_SELECTOR}")
    names = [item["metadata"]["name"] for item in nodes["items"]]
    await for_each(names, lambda name: api.delete(f"{NODES}/{name}"))
    await for_each(names, lambda name: api.delete(f"{LEASES}/{name}"))


async def set_label(api: Api, name: str, label: str, value: str | None) -> None:
    """Sets a node's label, or removes it."""
    await api.patch(f"{NODES}/{name}", {"metadata": {"labels": {label: value}}})


async def system_image(api: Api) -> str:
    """CoreDNS, as this cluster has it: an image that every node can run and that listens."""
    deployment = await api.get("/apis/apps/v1/namespaces/kube-system/deployments/coredns")
    image: str = deployment["spec"]["template"]["spec"]["containers"][0]["image"]
    return image


async def check_alone(api: Api) -> None:
    """Raises Busy when somebody exposes apps on this cluster already."""
    async with namespace(api, "bench-alone") as name:
        await api.post(apps.path(name), apps.app("unserved"))
        await asyncio.sleep(ALONE_SECONDS)
        app = await api.get(apps.path(name, "unserved"))
        if apps.has_urls(app.get("status") or {}):
            raise Busy("another operator works on this cluster: end it, or delete the cluster")
