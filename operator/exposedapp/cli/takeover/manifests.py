# SPDX-License-Identifier: Apache-2.0
"""What the Deployments and Services in manifests come to, as apps. Called by `import`."""

from collections.abc import Sequence

from exposedapp.api.meta import Json
from exposedapp.cli.client import CliClient
from exposedapp.cli.conversion.to_app import Exposure, app_from_deployment
from exposedapp.cli.takeover.plan import (
    Takeover,
    refuse_unless_adoptable,
    without_foreign_node_ports,
)
from exposedapp.cli.takeover.sources import LiveServices, get_object, is_autoscaled, selects
from exposedapp.kube.resources import ALL_SERVICES, DEPLOYMENTS


async def plan_manifests(
    client: CliClient, objects: Sequence[Json]
) -> tuple[list[Takeover], list[Json]]:
    """One app for each Deployment, and the objects that no app stands for.

    Raises ValueError for a Deployment of another namespace, or that no app can stand for.
    """
    deployments = [body for body in objects if body["kind"] == DEPLOYMENTS.kind]
    services = [body for body in objects if body["kind"] == ALL_SERVICES.kind]
    live_services = LiveServices(client)
    planned = [await _plan(client, body, services, live_services) for body in deployments]
    replaced = [
        (kind, item.app["metadata"]["name"])
        for item in planned
        for kind in (DEPLOYMENTS.kind, ALL_SERVICES.kind)
    ]
    others = [body for body in objects if (body["kind"], _name(body)) not in replaced]
    return planned, others


async def _plan(
    client: CliClient, manifest: Json, services: Sequence[Json], live_services: LiveServices
) -> Takeover:
    name = _name(manifest)
    namespace = manifest["metadata"].setdefault("namespace", client.namespace)
    if namespace != client.namespace:
        raise ValueError(f"Deployment {name} is in namespace {namespace}: use -n {namespace}")
    live = await get_object(client, DEPLOYMENTS, name)
    live_service = await get_object(client, ALL_SERVICES, name)
    for body in (live, live_service):
        if body:
            refuse_unless_adoptable(body)
    app = app_from_deployment(
        _like(manifest, live),
        live_service or _service_of(manifest, services),
        Exposure(),
        adopt=live is not None,
        keep_replicas=await is_autoscaled(client, name),
    )
    return await without_foreign_node_ports(live_services, Takeover(app, live, live_service))


def _like(manifest: Json, live: Json | None) -> Json:
    """The manifest, with what it leaves to the cluster as it is there."""
    if live is None or "replicas" in manifest["spec"]:
        return manifest
    return {**manifest, "spec": {**manifest["spec"], "replicas": live["spec"]["replicas"]}}


def _service_of(manifest: Json, services: Sequence[Json]) -> Json | None:
    """The Service in the files that selects the Deployment's pods, by preference of its name."""
    labels = manifest["spec"]["template"]["metadata"].get("labels") or {}
    selecting = [service for service in services if selects(service, labels)]
    same_name = [service for service in selecting if _name(service) == _name(manifest)]
    return next(iter([*same_name, *selecting]), None)


def _name(body: Json) -> str:
    return str((body.get("metadata") or {}).get("name"))
