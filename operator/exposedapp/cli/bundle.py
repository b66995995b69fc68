# SPDX-License-Identifier: Apache-2.0
"""Collects what a bug report about an app needs, as texts by file name. Called by `bundle`."""

import asyncio
import json
from collections.abc import Awaitable, Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import quote

import yaml

from exposedapp.api.meta import CHILD_KINDS, NAME_LABEL, ChildKind, Json
from exposedapp.cli.client import CliClient
from exposedapp.cli.doctor.cluster_objects import list_endpoint_slices, list_pods
from exposedapp.cli.doctor.collect import collect_evidence, pod_selector
from exposedapp.cli.doctor.diagnosis.chain import diagnose
from exposedapp.cli.redaction import lines_about, redact_object, redact_text
from exposedapp.kube.errors import ApiError
from exposedapp.kube.resources import EVENTS, PODS
from exposedapp.version import __version__

OPERATOR_SELECTOR = "app.kubernetes.io/name=exposedapp"

MAX_LOG_LINES = 5000
"""Of each of the operator's pods, newest last; those about other apps are left out."""

MAX_EVENT_OBJECTS = 20


@dataclass(frozen=True, slots=True)
class BundleFile:
    """A file of the bundle."""

    name: str
    text: str
    problems: Sequence[str] = ()
    """Why objects that belong into it could not be read; the text has them as well."""


@dataclass(frozen=True, slots=True)
class _Response:
    """The objects that a request was about, or why they could not be read."""

    objects: Sequence[Json] = ()
    problems: Sequence[str] = ()


async def collect_bundle(client: CliClient, name: str) -> list[BundleFile]:
    """The files of the bundle. Only the app must be readable: else raises CommandError, ApiError.

    Instead of other objects that cannot be read, a file has a line with the reason.
    """
    app = await client.get_app(name)
    version, slices, pods, *children = await asyncio.gather(
        _read(_kubernetes_version(client)),
        _read(list_endpoint_slices(client, name)),
        _read(list_pods(client, pod_selector(app))),
        *(_read(_child(client, kind, name)) for kind in CHILD_KINDS),
    )
    event_objects = [name, *(pod["metadata"]["name"] for pod in pods.objects)][:MAX_EVENT_OBJECTS]
    events = await _read(_events(client, event_objects))
    return [
        _yaml_file("versions.yaml", _versions(version)),
        _yaml_file("app.yaml", _Response([app])),
        _yaml_file("children.yaml", *children),
        _yaml_file("pods.yaml", pods),
        _yaml_file("endpointslices.yaml", slices),
        _yaml_file("events.yaml", events),
        _doctor_file(await _read(_report(client, name))),
        *await _operator_logs(client, name),
    ]


async def _read(request: Awaitable[Sequence[Json]]) -> _Response:
    try:
        return _Response(await request)
    except ApiError as error:
        return _Response(problems=[_problem(error)])


def _problem(error: ApiError) -> str:
    """The error as one line: what follows a line break would not be a comment."""
    return " ".join(redact_text(error.message).split())


async def _kubernetes_version(client: CliClient) -> Sequence[Json]:
    server = await client.kube.request("GET", "/version")
    return [{"kubernetes": server.get("gitVersion")}]


def _versions(kubernetes: _Response) -> _Response:
    versions = {"exposedapp": __version__} | next(iter(kubernetes.objects), {})
    return _Response([versions], kubernetes.problems)


async def _child(client: CliClient, kind: ChildKind, name: str) -> Sequence[Json]:
    child = await client.kube.get(kind, client.namespace, name)
    return [child] if child else []


async def _events(client: CliClient, object_names: Sequence[str]) -> Sequence[Json]:
    selectors = [quote(f"involvedObject.name={name}") for name in object_names]
    path = EVENTS.path(client.namespace)
    return [
        event
        for selector in selectors
        for event in await client.list_items(f"{path}?fieldSelector={selector}")
    ]


async def _report(client: CliClient, name: str) -> Sequence[Json]:
    return [diagnose(await collect_evidence(client, name)).as_json()]


async def _operator_logs(client: CliClient, name: str) -> list[BundleFile]:
    query = f"?labelSelector={quote(OPERATOR_SELECTOR + f',!{NAME_LABEL}')}"
    pods = await _read(client.list_items(PODS.list_path() + query))
    if pods.problems:
        return [_file("operator.log", "", pods.problems)]
    logs = [await _log_about(client, pod["metadata"], name) for pod in pods.objects]
    return logs or [_file("operator.log", "no pod of the operator was found\n")]


async def _log_about(client: CliClient, pod: Json, name: str) -> BundleFile:
    # Whoever may run pods can give them the operator's label: the reader sees whose log it is.
    file_name = f"operator-{pod['namespace']}.{pod['name']}.log"
    path = f"{PODS.path(pod['namespace'], pod['name'])}/log?tailLines={MAX_LOG_LINES}"
    try:
        data = await client.kube.transport.fetch("GET", path, accept="*/*")
    except ApiError as error:
        return _file(file_name, "", [_problem(error)])
    lines = lines_about(data.decode(errors="replace"), client.namespace, name)
    return _file(file_name, f"{lines}\n")


def _yaml_file(name: str, *responses: _Response) -> BundleFile:
    objects = [redact_object(body) for response in responses for body in response.objects]
    problems = [problem for response in responses for problem in response.problems]
    return _file(name, _to_yaml(objects), problems)


def _doctor_file(reports: _Response) -> BundleFile:
    not_readable = {"notReadable": list(reports.problems)}
    report = redact_object(reports.objects[0]) if reports.objects else not_readable
    return BundleFile("doctor.json", json.dumps(report, indent=2), reports.problems)


def _file(name: str, text: str, problems: Sequence[str] = ()) -> BundleFile:
    """The file, with a line for each problem."""
    lines = [f"# not readable: {problem}\n" for problem in problems]
    return BundleFile(name, "".join([text, *lines]), problems)


def _to_yaml(objects: Iterable[Json]) -> str:
    return str(yaml.safe_dump_all(objects, sort_keys=False, allow_unicode=True))
