# SPDX-License-Identifier: Apache-2.0
"""Every version stores every field of the spec, and its children are as the spec says."""

import json

import pytest

from e2e.support import Json, Namespace, eventually
from e2e.test_every_property import MODES, SPEC_SCHEMA, VALUES, Walk, whole
from exposedapp.api.app import ExposedAppSpec
from exposedapp.api.meta import API_VERSION, KIND, AppRef
from exposedapp.cli.validation.cel_rules import with_defaults
from exposedapp.desired.deployment import make_deployment
from exposedapp.desired.diff import drift
from exposedapp.desired.pod_template import pod_labels
from exposedapp.desired.service import make_service
from exposedapp.kube.client import KubeClient
from matrix.api_server import ApiServer
from matrix.conftest import Operator, new_namespace
from support.kubernetes_fields import documented_fields

HEALTH_CHECKED: Json = {
    "type": "LoadBalancer",
    "externalTrafficPolicy": "Local",
    "healthCheckNodePort": 30082,
}
"""With another number than in VALUES, which test_there_and_back takes for an app of its own."""
SPECS = {name: whole(change.after) for name, change in (VALUES | MODES).items()} | {
    "image": whole({"image": "registry.example/app:1"}),
    "service.healthCheckNodePort": whole({"service": HEALTH_CHECKED}),
}
"""For each property a spec that has it; no pod starts here, so the image need not be built."""
CHILD_CHANGES = [name for name in VALUES if name.startswith(("deployment.", "service."))]
SINCE = {
    "service.trafficDistribution": ("1.31", "trafficDistribution"),
    "service.allocateLoadBalancerNodePorts": ("1.30", "node ports that are given back"),
}
"""By property: the first version on which it can be set, changed and dropped."""
APP_NAMES = {name: f"app-{index}" for index, name in enumerate(SPECS)}


def body_of(name: str) -> Json:
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {"name": APP_NAMES[name]},
        "spec": SPECS[name],
    }


def items(namespace: Namespace, kind: str) -> dict[str, Json]:
    """All objects of a kind, by name."""
    output = json.loads(namespace.kubectl("get", kind, "--output", "json"))
    return {item["metadata"]["name"]: item for item in output["items"]}


@pytest.fixture(scope="module")
def reconciled(operator: Operator) -> Namespace:
    """A namespace with an app for each property, all of them reconciled."""
    namespace = new_namespace(operator.api_server)
    # In JSON: YAML libraries differ on whether 15e-1 is a number.
    apps = {"apiVersion": "v1", "kind": "List", "items": [*map(body_of, SPECS)]}
    namespace.kubectl("apply", "--filename=-", stdin=json.dumps(apps))

    def is_reconciled() -> None:
        for app in items(namespace, "xapp").values():
            assert app["status"]["observedGeneration"] == app["metadata"]["generation"], app

    eventually(is_reconciled)
    return namespace


@pytest.fixture(scope="module")
def objects(reconciled: Namespace) -> dict[str, dict[str, Json]]:
    """The apps and their children, by kind and name."""
    return {kind: items(reconciled, kind) for kind in (KIND, "Deployment", "Service")}


@pytest.mark.parametrize("name", SPECS)
def test_a_spec_is_stored_as_written(objects: dict[str, dict[str, Json]], name: str) -> None:
    assert objects[KIND][APP_NAMES[name]]["spec"] == with_defaults(SPECS[name], SPEC_SCHEMA)


@pytest.mark.parametrize("name", SPECS)
def test_the_children_are_as_the_spec_says(
    definition: ApiServer, objects: dict[str, dict[str, Json]], name: str
) -> None:
    if name.startswith("resources.claims"):
        definition.require("1.34", "dynamic resource allocation")
    if name == "service.trafficDistribution":
        definition.require(*SINCE[name])
    app = objects[KIND][APP_NAMES[name]]
    live = [objects[kind].get(APP_NAMES[name]) for kind in ("Deployment", "Service")]
    for child, desired in zip(live, desired_children(app), strict=True):
        assert (child is None) == (desired is None), app["status"]
        if child and desired:
            parts = {part: desired[part] for part in ("metadata", "spec")}
            assert list(drift(parts, child)) == [], app["status"]


class ChildrenWalk(Walk):
    """A walk on an API server alone, where no app is ready."""

    async def settled(self, *, ready: bool = True, urls: str = "") -> list[Json]:
        app = await self.get(KIND)
        assert app["status"]["observedGeneration"] == app["metadata"]["generation"]
        return await self.children(app)


@pytest.mark.parametrize("name", CHILD_CHANGES)
async def test_there_and_back(operator: Operator, client: KubeClient, name: str) -> None:
    """What is set is set, what is changed is changed, and what is dropped is as it was."""
    if name in SINCE:
        operator.api_server.require(*SINCE[name])
    namespace = new_namespace(operator.api_server)
    walk = ChildrenWalk(client, namespace.name, "web")
    await walk.there_and_back(VALUES[name], ready=False)
    await client.delete(await walk.get(KIND), KIND)


@pytest.mark.parametrize("kind", documented_fields())
def test_no_field_of_the_api_is_forgotten(definition: ApiServer, kind: str) -> None:
    """docs/kubernetes-fields.md names every field, or says why it is left out."""
    path = "apis/apps/v1" if "Deployment" in kind else "api/v1"
    schemas = json.loads(definition.kubectl("get", "--raw", f"/openapi/v3/{path}"))
    (properties,) = (
        schema["properties"]
        for name, schema in schemas["components"]["schemas"].items()
        if name.endswith(f".v1.{kind}")
    )
    assert properties.keys() <= documented_fields()[kind].keys()


def desired_children(app: Json) -> tuple[Json | None, Json | None]:
    """The Deployment and the Service; None where the spec asks for none."""
    spec = ExposedAppSpec.model_validate(app["spec"])
    if spec.suspend:
        return None, None
    metadata = app["metadata"]
    ref = AppRef(metadata["namespace"], metadata["name"], metadata["uid"])
    return make_deployment(ref, spec), make_service(ref, spec, pod_labels(ref, spec, None))
