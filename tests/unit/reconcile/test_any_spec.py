# SPDX-License-Identifier: Apache-2.0
"""Whatever JSON is in a spec, the worst that follows is InvalidSpec on that app."""

import asyncio
import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exposedapp.api.meta import Json
from support.fake_api_server import FakeApiServer
from support.harness import KEY, World
from support.specs import SPECS

FIELDS = (
    *("name", "containers", "initContainers", "env", "envFrom", "ports", "containerPort", "port"),
    *("protocol", "targetPort", "nodePort", "resources", "limits", "requests", "labels", "uid"),
    *("annotations", "metadata", "spec", "volumes", "claims", "image", "serviceAccountName"),
    *("serviceAccount", "mountPath", "restartPolicy", "selector", "sizeLimit", "divisor"),
    *("command", "args", "replicas", "service", "type", "externalName", "podTemplate", "nodes"),
    *("host", "limit", "probe", "suspend", "scheme", "path", "appProtocol", "valueFrom"),
    *("$patch", "$retainKeys", "$setElementOrder/x"),
)
ODD = [
    "app",
    "1",
    "1Gi",
    "NaN",
    "sNaN",
    "Infinity",
    "1e9999999",
    "0x1",
    "\uff11",
    "1E",
    "-",
    ".",
    "",
]
ODD += ["delete", "replace", "merge", "TCP", "NodePort", "ClusterIP", "ExternalName", "x" * 300]

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(ODD)
    | st.text(max_size=4)
)
NAMES = st.sampled_from(FIELDS) | st.text(max_size=4)
JSON = st.recursive(
    SCALARS,
    lambda values: st.lists(values, max_size=3) | st.dictionaries(NAMES, values, max_size=4),
    max_leaves=20,
)
CONTAINERS = st.lists(
    st.fixed_dictionaries({}, optional=dict.fromkeys(FIELDS[:12], JSON)), max_size=2
)
OBJECTS = st.dictionaries(NAMES, JSON, max_size=4)
POD_TEMPLATES = st.fixed_dictionaries(
    {},
    optional={
        "metadata": OBJECTS,
        "spec": OBJECTS | st.fixed_dictionaries({"containers": CONTAINERS}),
    },
)


@st.composite
def specs(draw: st.DrawFn) -> Json:
    """A spec that the API server would accept, with anything in the fields that have no schema."""
    spec = copy.deepcopy(SPECS[draw(st.sampled_from(sorted(SPECS)))])
    spec = {"image": "registry.example/web:1", "ports": [{"port": 80}], **spec}
    if draw(st.booleans()):
        spec["podTemplate"] = draw(POD_TEMPLATES)
    return {field: value for field, value in spec.items() if value is not None}


@st.composite
def broken_specs(draw: st.DrawFn) -> Json:
    """A spec that passed another schema, such as that of another version."""
    return {**draw(specs()), **draw(st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=3))}


class AcceptingApiServer(FakeApiServer):
    """Stores whatever is applied."""

    async def create(self, desired: Json) -> Json:
        return await self.apply(desired)

    async def apply(self, desired: Json, uid: str | None = None) -> Json:
        self.writes.append(f"apply {desired['kind']}")
        return copy.deepcopy(self.put(desired["kind"], copy.deepcopy(desired)))

    async def patch_spec(self, live: Json, kind: str, changes: Json) -> Json:
        return copy.deepcopy(self.objects[kind, *KEY])


def put_app(world: World, spec: Json) -> None:
    live = world.cluster.objects.get(("ExposedApp", *KEY))
    status = live["status"] if live else {"observedGeneration": -1}
    metadata = {"namespace": KEY.namespace, "name": KEY.name}
    world.cluster.put("ExposedApp", {"metadata": metadata, "spec": spec, "status": status})


async def reconcile_one_after_the_other(*all_specs: Json) -> None:
    world = World()
    world.cluster = AcceptingApiServer()
    world.restart()
    for spec in all_specs:
        put_app(world, spec)
        for _ in range(2):
            world.watch()
            result = await world.reconciler.reconcile(KEY)
            assert result.label != "panic", result.error
            world.now += 60
        if world.has("Deployment") and isinstance(
            world.live("Deployment")["spec"].get("replicas"), int
        ):
            world.run_pods(ready=1)
        assert (
            world.status()["observedGeneration"]
            == world.live("ExposedApp")["metadata"]["generation"]
        )


@settings(max_examples=150)
@given(specs(), specs())
def test_anything_in_a_pod_template(first: Json, second: Json) -> None:
    asyncio.run(reconcile_one_after_the_other(first, second))


@settings(max_examples=150)
@given(broken_specs(), broken_specs())
def test_anything_in_a_spec(first: Json, second: Json) -> None:
    asyncio.run(reconcile_one_after_the_other(first, second))


@pytest.mark.parametrize(
    "pod_spec",
    [
        {"containers": [{"name": "app", "resources": {"limits": {"cpu": "sNaN"}}}]},
        {"containers": [{"name": "app", "command": [{"name": "x"}]}]},
        {"containers": [{"name": "app", "env": [{"name": {"a": "b"}, "value": "c"}]}]},
        {"volumes": [{"name": "v", "emptyDir": {"sizeLimit": {"a": "b"}}}]},
    ],
    ids=[
        "a quantity that is no number",
        "a map in a list of strings",
        "a map as a name",
        "a map as a quantity",
    ],
)
async def test_odd_types_in_a_pod_template(pod_spec: Any) -> None:
    normal = {
        "image": "registry.example/web:1",
        "ports": [{"port": 80}],
        "command": ["sh"],
        "env": [{"name": "A", "value": "b"}],
        "resources": {"limits": {"cpu": "1"}},
        "podTemplate": {"spec": {"volumes": [{"name": "v", "emptyDir": {"sizeLimit": "1Gi"}}]}},
    }
    await reconcile_one_after_the_other(normal, {**normal, "podTemplate": {"spec": pod_spec}})
