# SPDX-License-Identifier: Apache-2.0
"""The floor: the three writes that an app needs, and nothing else.

`python -m bench.baselines` does them for every app that it sees; it repairs nothing, reads nothing
back and forgets everything. What it takes is what the API server takes.
"""

import asyncio
import os
from pathlib import Path
from zlib import crc32

from bench import apps
from bench.client import IN_FLIGHT, Api, Json
from bench.environment import NODES, now


async def expose(api: Api, app: Json, addresses: list[str]) -> None:
    """Deployment and Service together, then the status."""
    meta = app["metadata"]
    name, namespace = meta["name"], meta["namespace"]
    _, service = await asyncio.gather(
        api.post(f"/apis/apps/v1/namespaces/{namespace}/deployments", _deployment(app)),
        api.post(f"/api/v1/namespaces/{namespace}/services", _service(app)),
    )
    status = _status(app, service, addresses)
    await api.patch(f"{apps.path(namespace, name)}/status", {"status": status})


def _metadata(app: Json) -> Json:
    name = app["metadata"]["name"]
    return {
        "name": name,
        "labels": {
            "exposedapp.dev/name": name,
            "app.kubernetes.io/name": name,
            "app.kubernetes.io/managed-by": "floor",
        },
        "ownerReferences": [
            {
                "apiVersion": app["apiVersion"],
                "kind": app["kind"],
                "name": name,
                "uid": app["metadata"]["uid"],
                "controller": True,
                "blockOwnerDeletion": True,
            }
        ],
    }


def _deployment(app: Json) -> Json:
    spec, labels = app["spec"], {"exposedapp.dev/name": app["metadata"]["name"]}
    ports = [{"containerPort": port["targetPort"]} for port in spec["ports"]]
    return {
        "metadata": _metadata(app),
        "spec": {
            "replicas": spec["replicas"],
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{"name": "app", "image": spec["image"], "ports": ports}]},
            },
        },
    }


def _service(app: Json) -> Json:
    ports = [
        {"port": port["port"], "targetPort": port["targetPort"]} for port in app["spec"]["ports"]
    ]
    return {
        "metadata": _metadata(app),
        "spec": {
            "type": "NodePort",
            "selector": {"exposedapp.dev/name": app["metadata"]["name"]},
            "ports": ports,
        },
    }


def _status(app: Json, service: Json, addresses: list[str]) -> Json:
    """About as much as an operator says."""
    meta, spec, port = app["metadata"], service["spec"], service["spec"]["ports"][0]
    limit = (app["spec"].get("nodes") or {}).get("limit", 16)
    # Each app begins elsewhere, so that a node that flips is listed by as many as with an operator.
    first = crc32(app["metadata"]["uid"].encode()) % len(addresses)
    listed = [*addresses[first:], *addresses[:first]][:limit]
    urls = [f"http://{address}:{port['nodePort']}" for address in listed]
    condition = {"status": "True", "observedGeneration": 1, "lastTransitionTime": now()}
    return {
        "observedGeneration": meta["generation"],
        "url": urls[0],
        "urls": urls,
        "nodes": {"eligible": len(addresses), "listed": len(urls)},
        "ports": [{key: port[key] for key in ("port", "targetPort", "nodePort", "protocol")}],
        "clusterIPs": spec["clusterIPs"],
        "clusterURL": f"http://{meta['name']}.{meta['namespace']}.svc:{port['port']}",
        "replicas": 0,
        "readyReplicas": 0,
        "conditions": [
            {**condition, "type": kind, "reason": reason, "message": message}
            for kind, reason, message in (
                ("Ready", "ScaledToZero", "Scaled to zero."),
                ("WorkloadAvailable", "ScaledToZero", "Scaled to zero."),
                ("ServiceReady", "Available", "The Service has its ports."),
                ("Reachable", "NotProbed", "There are no pods to try."),
            )
        ],
    }


async def addresses(api: Api) -> list[str]:
    """One address of each node."""
    nodes = (await api.get(f"{NODES}?resourceVersion=0"))["items"]
    return sorted(
        next(
            address["address"]
            for address in node["status"]["addresses"]
            if address["type"] == "InternalIP"
        )
        for node in nodes
    )


async def run(kubeconfig: Path) -> None:
    """Exposes every app, until it is ended."""
    queue: asyncio.Queue[Json] = asyncio.Queue()
    async with Api.connect(kubeconfig) as api, asyncio.TaskGroup() as group:
        known, seen = await addresses(api), set[str]()

        async def worker() -> None:
            while True:
                await expose(api, await queue.get(), known)

        for _ in range(IN_FLIGHT):
            group.create_task(worker())
        async for event in api.watch(apps.path_of_all()):
            body = event["object"]
            if event["type"] == "ADDED" and body["metadata"]["uid"] not in seen:
                seen.add(body["metadata"]["uid"])
                queue.put_nowait(body)


if __name__ == "__main__":
    asyncio.run(run(Path(os.environ["KUBECONFIG"])))
