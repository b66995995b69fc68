# SPDX-License-Identifier: Apache-2.0
"""Lets an app take over objects that exist, after trying on the API server that it costs nothing.

Called by the commands `expose` and `import`. The consent is an annotation on the objects, and the
operator adopts them then: docs/ownership.md.
"""

from exposedapp.api.app import ExposedAppSpec
from exposedapp.api.meta import ADOPT_ANNOTATION, AppRef, Json, selector_string
from exposedapp.api.service import NODE_PORT_TYPES
from exposedapp.cli.client import FIELD_MANAGER, CliClient
from exposedapp.cli.doctor.cluster_objects import list_pods
from exposedapp.cli.exit_codes import CommandError, ExitCode
from exposedapp.cli.takeover.plan import Takeover, refused
from exposedapp.cli.validation.schema_check import find_problems
from exposedapp.desired.deployment import make_deployment
from exposedapp.desired.pod_template import pod_labels
from exposedapp.desired.service import make_service
from exposedapp.kube.client import APPLY_PATCH, MERGE_PATCH
from exposedapp.kube.errors import ApiError
from exposedapp.kube.resources import RESOURCES

OPERATOR = "exposedapp"
"""The operator's field manager: what it would own counts in a dry run."""


async def check(client: CliClient, takeover: Takeover) -> None:
    """Try everything without writing. Raises CommandError where pods or addresses would be lost."""
    app, namespace = takeover.app, client.namespace
    if problems := find_problems(app):
        raise CommandError(ExitCode.USAGE, "\n".join(problems))
    await client.create_app(app, dry_run=True)
    spec = ExposedAppSpec.model_validate(app["spec"])
    ref = AppRef(namespace, app["metadata"]["name"], "")
    if takeover.deployment and (desired := make_deployment(ref, spec, takeover.deployment)):
        await _check_template(client, desired, takeover.deployment)
    if takeover.service:
        labels = pod_labels(ref, spec, takeover.deployment)
        await _check_service(client, make_service(ref, spec, labels), takeover.service)


async def take_over(client: CliClient, takeover: Takeover) -> Json:
    """Annotate the objects and create the app; the app as it is then."""
    for body in takeover.objects:
        await _annotate(client, body, "true")
    try:
        return await client.create_app(takeover.app)
    except ApiError:
        for body in takeover.objects:
            await _annotate(client, body, None)
        raise


async def _annotate(client: CliClient, body: Json, value: str | None) -> None:
    path = RESOURCES[body["kind"]].path(client.namespace, body["metadata"]["name"])
    change = {"metadata": {"annotations": {ADOPT_ANNOTATION: value}}}
    await client.kube.request("PATCH", f"{path}?fieldManager={FIELD_MANAGER}", change, MERGE_PATCH)


async def _dry_run(client: CliClient, desired: Json) -> Json:
    """The object as the API server would store it if the operator applied this."""
    metadata = {
        key: value for key, value in desired["metadata"].items() if key != "ownerReferences"
    }
    path = RESOURCES[desired["kind"]].path(client.namespace, metadata["name"])
    query = f"?fieldManager={OPERATOR}&force=true&dryRun=All"
    return await client.kube.request(
        "PATCH", path + query, {**desired, "metadata": metadata}, APPLY_PATCH
    )


async def _check_template(client: CliClient, desired: Json, live: Json) -> None:
    applied = await _dry_run(client, desired)
    before, after = live["spec"]["template"], applied["spec"]["template"]
    if before != after:
        fields = ", ".join(_differences(before, after, "spec.template"))
        raise refused(f"Deployment {live['metadata']['name']} would restart its pods: {fields}")


async def _check_service(client: CliClient, desired: Json, live: Json) -> None:
    name, before = live["metadata"]["name"], live["spec"]
    selector, other = before.get("selector") or {}, desired["spec"]["selector"]
    if selector != other and await _pods(client, selector) != await _pods(client, other):
        raise refused(
            f"Service {name} selects other pods ({selector_string(selector)}) than the app would "
            f"({selector_string(other)}): expose service/{name}, or use --name"
        )
    after = (await _dry_run(client, desired))["spec"]
    lost = [*_addresses(before) - _addresses(after), *_node_ports(before) - _node_ports(after)]
    if lost:
        raise refused(f"Service {name} would lose {', '.join(sorted(lost))}")


async def _pods(client: CliClient, selector: Json) -> set[str]:
    pods = await list_pods(client, selector_string(selector))
    return {pod["metadata"]["name"] for pod in pods}


def _addresses(spec: Json) -> set[str]:
    balancer = {"the load balancer"} if spec.get("type") == "LoadBalancer" else set()
    return {f"address {address}" for address in spec.get("clusterIPs") or ()} | balancer


def _node_ports(spec: Json) -> set[str]:
    if spec.get("type") not in NODE_PORT_TYPES:
        return set()
    return {f"node port {port['nodePort']}" for port in spec["ports"] if port.get("nodePort")}


def _differences(before: object, after: object, path: str) -> list[str]:
    """The fields that differ, as paths."""
    if isinstance(before, dict) and isinstance(after, dict):
        keys = sorted(before.keys() | after.keys())
        return [
            field
            for key in keys
            if before.get(key) != after.get(key)
            for field in _differences(before.get(key), after.get(key), f"{path}.{key}")
        ]
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        return [
            field
            for index, (old, new) in enumerate(zip(before, after, strict=True))
            if old != new
            for field in _differences(old, new, f"{path}[{index}]")
        ]
    return [path]
