# SPDX-License-Identifier: Apache-2.0
"""Reads what is turned into an app: a workload, its Services, and what scales it. See plan.py."""

from collections.abc import Mapping, Sequence
from contextlib import suppress

from exposedapp.api.meta import Json
from exposedapp.cli.client import CliClient
from exposedapp.cli.exit_codes import CommandError, ExitCode
from exposedapp.desired.node_ports import used_node_ports
from exposedapp.kube.errors import ApiError
from exposedapp.kube.resources import ALL_SERVICES, DEPLOYMENTS, Resource

STATEFUL_SETS = Resource("StatefulSet", "apps", "v1", "statefulsets")
AUTOSCALERS = Resource("HorizontalPodAutoscaler", "autoscaling", "v2", "horizontalpodautoscalers")

SOURCES = {"deployment": DEPLOYMENTS, "statefulset": STATEFUL_SETS, "service": ALL_SERVICES}
"""What can be exposed, by the names that kubectl takes."""

SHORT_NAMES = {"deploy": "deployment", "sts": "statefulset", "svc": "service"}


def parse_source(text: str) -> tuple[Resource, str]:
    """The resource and the name in KIND/NAME. Raises ValueError."""
    kind, separator, name = text.partition("/")
    singular = kind.lower().partition(".")[0].removesuffix("s")
    source = SOURCES.get(SHORT_NAMES.get(kind.lower(), singular))
    if not separator or not name or source is None:
        raise ValueError(f"'{text}': write one of {', '.join(SOURCES)}, and /NAME")
    return source, name


async def get_object(client: CliClient, resource: Resource, name: str) -> Json | None:
    """An object with its kind; None when it does not exist."""
    try:
        body = await client.kube.request("GET", resource.path(client.namespace, name))
    except ApiError as error:
        if error.status == 404:
            return None
        raise
    return {"apiVersion": _api_version(resource), "kind": resource.kind, **body}


async def get_existing(client: CliClient, resource: Resource, name: str) -> Json:
    """An object that must exist; raises CommandError."""
    body = await get_object(client, resource, name)
    if body is None:
        message = f"there is no {resource.kind} {name} in namespace {client.namespace}"
        raise CommandError(ExitCode.NO_SUCH_APP, message)
    return body


class LiveServices:
    """The Services of the cluster, as far as the user may list them: once, when first needed."""

    def __init__(self, client: CliClient) -> None:
        self._client = client
        self._services: Sequence[Json] | None = None

    async def selecting(self, pod_labels: Mapping[str, str]) -> Sequence[Json]:
        """The Services of the namespace that select pods with these labels."""
        return [
            service
            for service in await self._list()
            if self._is_in_namespace(service) and selects(service, pod_labels)
        ]

    async def node_port_holders(self) -> dict[int, str]:
        """The Service that has each node port: its name, after its namespace if that is another."""
        return {
            number: self._title(service)
            for service in await self._list()
            for number in used_node_ports(service)
        }

    async def _list(self) -> Sequence[Json]:
        if self._services is None:
            self._services = await self._list_allowed()
        return self._services

    async def _list_allowed(self) -> Sequence[Json]:
        try:
            return await self._client.list_items(ALL_SERVICES.list_path())
        except ApiError as error:
            if error.status != 403:
                raise
        return await self._client.list_items(ALL_SERVICES.path(self._client.namespace))

    def _is_in_namespace(self, service: Json) -> bool:
        return bool(service["metadata"]["namespace"] == self._client.namespace)

    def _title(self, service: Json) -> str:
        metadata = service["metadata"]
        prefix = "" if self._is_in_namespace(service) else f"{metadata['namespace']}/"
        return f"{prefix}{metadata['name']}"


def selects(service: Json, pod_labels: Mapping[str, str]) -> bool:
    """Whether a Service selects pods with these labels."""
    selector = (service.get("spec") or {}).get("selector") or {}
    return bool(selector) and selector.items() <= pod_labels.items()


async def is_autoscaled(client: CliClient, deployment: str) -> bool:
    """Whether an autoscaler sets the replicas of a Deployment; False when nobody may know."""
    with suppress(ApiError):
        for autoscaler in await client.list_items(AUTOSCALERS.path(client.namespace)):
            target = autoscaler["spec"]["scaleTargetRef"]
            if (target["kind"], target["name"]) == (DEPLOYMENTS.kind, deployment):
                return True
    return False


def _api_version(resource: Resource) -> str:
    return f"{resource.group}/{resource.version}" if resource.group else resource.version
