# SPDX-License-Identifier: Apache-2.0
"""What an exposure comes to: the app, and the objects of its name that it takes over.

Called by the commands `expose` and `import`; nothing is written here.
"""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field, replace

from exposedapp.api.meta import Json
from exposedapp.cli.client import CliClient
from exposedapp.cli.conversion.to_app import (
    Exposure,
    app_from_deployment,
    app_from_selector,
    workload_pod_labels,
)
from exposedapp.cli.exit_codes import CommandError, ExitCode
from exposedapp.cli.takeover.sources import (
    LiveServices,
    get_existing,
    get_object,
    is_autoscaled,
)
from exposedapp.desired.node_ports import used_node_ports
from exposedapp.kube.resources import ALL_SERVICES, DEPLOYMENTS, Resource

NO_IP = "None"


@dataclass(frozen=True, slots=True)
class Takeover:
    """An app, and the objects of its name that it takes over."""

    app: Json
    deployment: Json | None = None
    service: Json | None = None
    left_out: Mapping[int, str] = field(default_factory=dict)
    """Node ports that the app does not get, and the Service that keeps each."""

    @property
    def objects(self) -> Sequence[Json]:
        """The objects that are taken over."""
        return [body for body in (self.deployment, self.service) if body]


async def plan_exposure(
    client: CliClient, source: Resource, name: str, app_name: str, exposure: Exposure
) -> Takeover:
    """The app for a Deployment, a StatefulSet or a Service.

    With another name than the object's, the app only selects its pods. Raises CommandError, and
    ValueError where an app cannot stand for the object.
    """
    body = await get_existing(client, source, name)
    if source is ALL_SERVICES:
        labels = body["spec"].get("selector") or {}
    else:
        labels = workload_pod_labels(body)
    service = await _service_named(client, app_name)
    services = LiveServices(client)
    if source is DEPLOYMENTS and app_name == name:
        return await _plan_deployment(client, body, service, services, exposure)
    ports_from = body if source is ALL_SERVICES else service
    if ports_from is None:
        ports_from = await _only_service_of(services, labels)
    app = app_from_selector(_named(client, app_name, body), labels, ports_from, exposure)
    return await without_foreign_node_ports(services, Takeover(app, service=service))


async def _plan_deployment(
    client: CliClient,
    deployment: Json,
    service: Json | None,
    services: LiveServices,
    exposure: Exposure,
) -> Takeover:
    """The app that adopts a Deployment, and the Service of its name if there is one."""
    refuse_unless_adoptable(deployment)
    labels = deployment["spec"]["template"]["metadata"].get("labels") or {}
    app = app_from_deployment(
        deployment,
        service or await _only_service_of(services, labels),
        exposure,
        adopt=True,
        keep_replicas=await is_autoscaled(client, deployment["metadata"]["name"]),
    )
    return await without_foreign_node_ports(services, Takeover(app, deployment, service))


async def without_foreign_node_ports(services: LiveServices, takeover: Takeover) -> Takeover:
    """The takeover without the node ports of a Service that stays beside the app's own."""
    spec = takeover.app["spec"]
    requested = used_node_ports({"spec": {**spec.get("service", {}), "ports": spec["ports"]}})
    if takeover.service:
        requested -= used_node_ports(takeover.service)
    if not requested:
        return takeover
    holders = await services.node_port_holders()
    left_out = {number: holders[number] for number in sorted(requested & holders.keys())}
    app = {**takeover.app, "spec": _without_node_ports(spec, left_out)}
    return replace(takeover, app=app, left_out=left_out)


def _without_node_ports(spec: Json, numbers: Container[int]) -> Json:
    """An app's spec that does not ask for these node ports, one for health checks among them."""
    remaining = {**spec, "ports": [_without(port, "nodePort", numbers) for port in spec["ports"]]}
    if "service" in spec:
        remaining["service"] = _without(spec["service"], "healthCheckNodePort", numbers)
    return remaining


def _without(fields: Json, field_name: str, numbers: Container[int]) -> Json:
    if fields.get(field_name) not in numbers:
        return fields
    return {key: value for key, value in fields.items() if key != field_name}


def plan_selector(
    client: CliClient, name: str, labels: Mapping[str, str], exposure: Exposure
) -> Takeover:
    """The app that exposes pods with these labels."""
    return Takeover(app_from_selector(_named(client, name, {}), labels, None, exposure))


def refuse_unless_adoptable(body: Json) -> None:
    """Raise CommandError for an object that the operator would not adopt, or not as it is."""
    name = f"{body['kind']} {body['metadata']['name']}"
    for reference in body["metadata"].get("ownerReferences") or ():
        if reference.get("controller"):
            owner = f"{reference['kind']} {reference['name']}"
            raise refused(f"{name} is controlled by {owner}, which would change it back")
    spec = body["spec"]
    if body["kind"] == "Service" and spec.get("clusterIP") == NO_IP:
        raise refused(f"{name} is headless, which an app's Service cannot be; use --name")
    if body["kind"] == "Service" and spec.get("type") == "ExternalName":
        raise refused(f"{name} is an alias for {spec['externalName']}; use --name")


def refused(message: str) -> CommandError:
    """The error for what would restart pods or lose an address."""
    return CommandError(ExitCode.APP_PROBLEM, message)


async def _service_named(client: CliClient, name: str) -> Json | None:
    service = await get_object(client, ALL_SERVICES, name)
    if service:
        refuse_unless_adoptable(service)
    return service


async def _only_service_of(services: LiveServices, labels: Mapping[str, str]) -> Json | None:
    """The Service to take the ports from, where none has the app's name."""
    selecting = await services.selecting(labels)
    return selecting[0] if len(selecting) == 1 else None


def _named(client: CliClient, name: str, body: Json) -> Json:
    return {**body, "metadata": {"name": name, "namespace": client.namespace}}
