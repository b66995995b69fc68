"""Files become the objects that the operator makes of them, or a message that names the field."""

import contextlib
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from exposedapp.api import ExposedAppSpec
from exposedapp.cli.check import SPEC_RULES, problems
from exposedapp.cli.exits import Exit, Failure
from exposedapp.cli.offline import documents, render
from exposedapp.crd import schema
from exposedapp.labels import Identity
from exposedapp.resources import make_deployment, make_service, pod_labels
from exposedapp.schema import Json
from unit.specs import SPECS

EXAMPLES = Path(__file__).parents[2] / "deploy" / "examples"


def app(spec: Any, **metadata: Any) -> Json:
    return {
        "apiVersion": "exposedapp.dev/v1alpha1",
        "kind": "ExposedApp",
        "metadata": {"name": "web", **metadata},
        "spec": spec,
    }


def whole(spec: Json) -> Json:
    given = {"image": "demo:1", "ports": [{"port": 80}], **spec}
    return {key: value for key, value in given.items() if value is not None}


def rendered(*found: Any, namespace: str | None = None) -> list[Json]:
    return list(render(found, "apps.yaml", namespace))


@pytest.mark.parametrize("name", SPECS)
def test_the_objects_are_the_operators_own(name: str) -> None:
    spec = whole(SPECS[name])
    identity = Identity("shop", "web", "some-uid")
    parsed = ExposedAppSpec.model_validate(spec)
    service = make_service(identity, parsed, pod_labels(identity, parsed, None))
    wanted = [it for it in (make_deployment(identity, parsed), service) if it]
    found = rendered(app(spec), namespace="shop")
    assert [it["spec"] for it in found] == [it["spec"] for it in wanted]
    assert {it["metadata"]["namespace"] for it in found} == {"shop"}


def test_nothing_in_them_that_only_a_cluster_can_know() -> None:
    for child in rendered(app(whole({}))):
        assert child["metadata"].keys() == {"name", "labels"}


def test_the_files_namespace_wins() -> None:
    found = rendered(app(whole({}), namespace="shop"), namespace="other")
    assert {it["metadata"]["namespace"] for it in found} == {"shop"}


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.yaml")), ids=lambda it: it.name)
def test_every_example_can_be_rendered(path: Path) -> None:
    found = list(render(documents(path.read_text(), path.name), path.name, None))
    assert found[-1]["kind"] == "Service"


KEYS = st.sampled_from(
    [
        "image",
        "ports",
        "port",
        "name",
        "targetPort",
        "service",
        "type",
        "env",
        "podTemplate",
        "spec",
    ]
)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3) | st.dates(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(KEYS | st.integers(), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(ANYTHING)
def test_whatever_is_written_there_is_an_answer(spec: Any) -> None:
    given_parts = whole(spec) if isinstance(spec, dict) else spec
    with contextlib.suppress(Failure):
        rendered(app(given_parts))


def test_other_kinds_are_passed_over() -> None:
    assert rendered({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}) == []


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ({"ports": [{"port": 80, "targetport": 8}]}, "spec.ports[0].targetport: there is no such"),
        ({"ports": [{"port": 0}]}, "spec.ports[0].port: must be from 1 to 65535"),
        ({"ports": [{"targetPort": 80}]}, "spec.ports[0].port: is missing"),
        ({"ports": [{"port": "80"}]}, "spec.ports[0].port: must be a whole number"),
        ({"ports": [{"port": True}]}, "spec.ports[0].port: must be a whole number"),
        ({"ports": [{"port": 80, "targetPort": 1.5}]}, "spec.ports[0].targetPort: must be a whole"),
        ({"ports": {}}, "spec.ports: must be a list"),
        ({"ports": [None]}, "spec.ports[0]: is null"),
        ({"ports": []}, "spec.ports: must not be empty"),
        (
            {"ports": [{"name": "a", "port": 80}, {"name": "b", "port": 80, "protocol": "TCP"}]},
            "spec.ports[1]: has the same port and protocol as an earlier one",
        ),
        ({"replicas": "2"}, "spec.replicas: must be a whole number"),
        ({"service": {"type": "Nodeport"}}, "spec.service.type: must be one of NodePort,"),
        ({"nodes": {"host": "not a host"}}, "spec.nodes.host: 'not a host' does not match"),
        ({"env": [{"name": "A", "value": 1}]}, "spec.env[0].value: must be a text (in quotes)"),
        ({"selector": {"a": "b"}}, "write exactly one of image"),
        ({"image": None}, "write exactly one of image"),
        ({"ports": None}, "ports is missing"),
        ({"ports": [{"port": 80, "targetPort": 0}]}, "spec.ports[0].targetPort: "),
        ({"ports": [{"port": 80, "targetPort": "Web"}]}, "spec.ports[0].targetPort: "),
        ({"resources": {"limits": {"cpu": "much"}}}, "spec.resources.limits[cpu]: 'much' does"),
        ({"ports": [{"port": 80}, {"port": 81}]}, "every port needs a name"),
        (
            {"ports": [{"name": "a", "port": 80}, {"name": "a", "port": 81}]},
            "two of ports[] have the same name",
        ),
        (
            {"ports": [{"port": 80, "nodePort": 30008}], "service": {"type": "ClusterIP"}},
            "ports[].nodePort needs service.type NodePort",
        ),
        (
            {"service": {"type": "ClusterIP", "externalTrafficPolicy": "Local"}},
            "service.externalTrafficPolicy needs",
        ),
        ({"service": {"type": "ExternalName"}}, "service.externalName and service.type"),
        (
            {"ports": [{"port": 80, "targetPort": "nowhere"}]},
            "spec.ports[0].targetPort: no container port is named 'nowhere'",
        ),
        ({"podTemplate": {"spec": {"$patch": "remove"}}}, "spec.podTemplate"),
        ({"podTemplate": {"spec": "x"}}, "spec.podTemplate.spec: must be an object"),
    ],
)
def test_wrong_input_is_told_by_its_field(spec: Json, told: str) -> None:
    with pytest.raises(Failure) as failure:
        rendered(app(whole(spec)))
    assert f"apps.yaml: web: {told}" in str(failure.value)
    assert failure.value.code == Exit.USAGE


def test_all_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(Failure) as failure:
        rendered(app(whole({"imagee": "a", "replicas": -1})))
    assert len(str(failure.value).splitlines()) == 2


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({**app({}), "apiVersion": "exposedapp.dev/v1"}, "apiVersion: must be"),
        ({**app(whole({})), "metadata": {"name": "Web"}}, "metadata.name becomes the name"),
        ({**app(whole({})), "metadata": None}, "metadata.name becomes the name"),
        (app(None), "spec: is missing"),
        (app("x"), "spec: must be an object"),
    ],
)
def test_wrong_objects(body: Json, told: str) -> None:
    with pytest.raises(Failure, match=told):
        rendered(body)


@pytest.mark.parametrize("text", ["a: [", "a: \x00", "- 1\nb: 2", "a: 2026-99-99", "!!python/x 1"])
def test_what_is_no_yaml(text: str) -> None:
    with pytest.raises(Failure, match=r"^apps.yaml"):
        documents(text, "apps.yaml")


@pytest.mark.parametrize("text", ["1", "[]", "a: b"])
def test_what_is_no_object(text: str) -> None:
    with pytest.raises(Failure, match="document 1 is no Kubernetes object"):
        rendered(*documents(text, "apps.yaml"))


def test_too_deep() -> None:
    with pytest.raises(Failure, match="nested too deep"):
        documents("[" * 1000, "apps.yaml")


def test_nulls_are_as_if_not_written() -> None:
    assert rendered(app(whole({}) | {"replicas": None, "nodes": None})) == rendered(app(whole({})))


def test_the_rules_speak_as_the_api_server_does() -> None:
    said = yaml.safe_dump(schema(), width=10_000)
    messages = {message for _, message in SPEC_RULES}
    assert {it for it in messages if it not in said.replace("''", "'")} == set()


def test_the_specs_that_a_cluster_takes_have_no_problems() -> None:
    assert [found for spec in SPECS.values() for found in problems(app(whole(spec)))] == []
