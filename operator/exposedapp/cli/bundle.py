# SPDX-License-Identifier: Apache-2.0
"""Collects what a bug report about an app needs, as texts by file name. Called by `bundle`."""

import asyncio
import json
from collections.abc import Iterable
from urllib.parse import quote

import yaml

from exposedapp.api.meta import CHILD_KINDS, NAME_LABEL, Json
from exposedapp.cli.client import CliClient
from exposedapp.cli.doctor.cluster_objects import list_endpoint_slices, list_events, list_pods
from exposedapp.cli.doctor.collect import collect_evidence, pod_selector
from exposedapp.cli.doctor.diagnosis.chain import diagnose
from exposedapp.cli.redaction import lines_about, redact_object
from exposedapp.kube.errors import ApiError
from exposedapp.kube.resources import PODS
from exposedapp.version import __version__

OPERATOR_SELECTOR = "app.kubernetes.io/name=exposedapp"

MAX_LOG_LINES = 5000
"""Of each of the operator's pods, newest last; those about other apps are left out."""

MAX_EVENT_OBJECTS = 20


async def collect_bundle(client: CliClient, name: str) -> dict[str, str]:
    """The files of the bundle. What the user may not read is a file that says so."""
    app = await client.get_app(name)
    selector = pod_selector(app)
    children = [await client.kube.get(kind, client.namespace, name) for kind in CHILD_KINDS]
    slices, pods = await asyncio.gather(
        list_endpoint_slices(client, name), list_pods(client, selector)
    )
    objects = [name, *(pod["metadata"]["name"] for pod in pods)][:MAX_EVENT_OBJECTS]
    events = [
        event
        for subject in objects
        for event in await list_events(client, f"involvedObject.name={subject}")
    ]
    report = diagnose(await collect_evidence(client, name))
    return {
        "versions.yaml": _to_yaml([await _versions(client)]),
        "app.yaml": _to_yaml([app]),
        "children.yaml": _to_yaml(filter(None, children)),
        "pods.yaml": _to_yaml(pods),
        "endpointslices.yaml": _to_yaml(slices),
        "events.yaml": _to_yaml(events),
        "doctor.json": json.dumps(redact_object(report.as_json()), indent=2),
        **await _operator_logs(client, name),
    }


async def _versions(client: CliClient) -> Json:
    server = await client.kube.request("GET", "/version")
    return {"exposedapp": __version__, "kubernetes": server.get("gitVersion")}


async def _operator_logs(client: CliClient, name: str) -> dict[str, str]:
    query = f"?labelSelector={quote(OPERATOR_SELECTOR + f',!{NAME_LABEL}')}"
    try:
        pods = await client.list_items(PODS.list_path() + query)
    except ApiError as error:
        return {"operator.log": f"not readable: {error.message}\n"}
    logs = {}
    for pod in pods:
        metadata = pod["metadata"]
        text = await _log_about(client, metadata["namespace"], metadata["name"], name)
        logs[f"operator-{metadata['name']}.log"] = f"{text}\n"
    return logs or {"operator.log": "no pod of the operator was found\n"}


async def _log_about(client: CliClient, namespace: str, pod: str, name: str) -> str:
    path = f"{PODS.path(namespace, pod)}/log?tailLines={MAX_LOG_LINES}"
    try:
        data = await client.kube.transport.fetch("GET", path, accept="*/*")
    except ApiError as error:
        return f"not readable: {error.message}"
    return lines_about(data.decode(errors="replace"), client.namespace, name)


def _to_yaml(objects: Iterable[Json]) -> str:
    redacted = [redact_object(body) for body in objects]
    return str(yaml.safe_dump_all(redacted, sort_keys=False, allow_unicode=True))
