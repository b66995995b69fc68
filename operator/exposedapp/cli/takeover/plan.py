# SPDX-License-Identifier: Apache-2.0
"""What an exposure comes to: the app, and the objects of its name that it takes over.

Called by the commands `expose` and `import`; nothing is written here.
"""

from collections.abc import Mapping, Sequence
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
    get_existing,
    get_object,
    is_autoscaled,
    services_of,
)
from exposedapp.kube.resources import ALL_SERVICES, DEPLOYMENTS, Resource

NO_IP = "None"


@dataclass(frozen=True, slots=True)
class Takeover:
    """An app, and the objects of its name that it takes over."""

    app: Json
    deployment: Json | None = None
    service: Json | None = None
    left_out: Mapping[int, str] = field(default_factory=dict)
    """Node ports that the app does not get, and the name of the Service that keeps each."""

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
    if source is DEPLOYMENTS and app_name == name:
        return await plan_deployment(client, body, service, exposure)
    ports_from = body if source is ALL_SERVICES else service
    if ports_from is None:
        ports_from = await _any_service_of(client, labels)
    app = app_from_selector(_named(client, app_name, body), labels, ports_from, exposure)
    return await without_foreign_node_ports(client, Takeover(app, service=service))


async def plan_deployment(
    client: CliClient, deployment: Json, service: Json | None, exposure: Exposure
) -> Takeover:
    """The app that adopts a Deployment, and the Service of its name if there is one."""
    refuse_unless_adoptable(deployment)
    labels = deployment["spec"]["template"]["metadata"].get("labels") or {}
    app = app_from_deployment(
        deployment,
        service or await _any_service_of(client, labels),
        exposure,
        adopt=True,
        keep_replicas=await is_autoscaled(client, deployment["metadata"]["name"]),
    )
    return await without_foreign_node_ports(client, Takeover(app, deployment, service))


async def without_foreign_node_ports(client: CliClient, takeover: Takeover) -> Takeover:
    """The takeover without the node ports of a Service that stays beside the app's own."""
    ports = takeover.app["spec"]["ports"]
    if takeover.service or not any("nodePort" in port for port in ports):
        return takeover
    holders = {
        port["nodePort"]: service["metadata"]["name"]
        for service in await client.list_items(ALL_SERVICES.path(client.namespace))
        for port in service["spec"].get("ports") or ()
        if port.get("nodePort")
    }
    free_ports = [
        {key: value for key, value in port.items() if key != "nodePort" or value not in holders}
        for port in ports
    ]
    left_out = {
        number: holders[number] for port in ports if (number := port.get("nodePort")) in holders
    }
    spec = {**takeover.app["spec"], "ports": free_ports}
    return replace(takeover, app={**takeover.app, "spec": spec}, left_out=left_out)


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


async def _any_service_of(client: CliClient, labels: Mapping[str, str]) -> Json | None:
    """The Service to take the ports from, where none has the app's name."""
    services = await services_of(client, labels)
    return services[0] if len(services) == 1 else None


def _named(client: CliClient, name: str, body: Json) -> Json:
    return {**body, "metadata": {"name": name, "namespace": client.namespace}}
