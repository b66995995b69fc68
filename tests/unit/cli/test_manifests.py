# SPDX-License-Identifier: Apache-2.0
"""Files become the objects that the operator creates, or a message that names the field."""

import contextlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exposedapp.api.app import ExposedAppSpec
from exposedapp.api.meta import AppRef, Json
from exposedapp.cli.exit_codes import CommandError, ExitCode
from exposedapp.cli.manifests import parse_documents, render_children
from exposedapp.desired.deployment import make_deployment
from exposedapp.desired.pod_template import pod_labels
from exposedapp.desired.service import make_service
from support.cli import app, complete
from support.specs import SPECS

EXAMPLES = Path(__file__).parents[3] / "deploy" / "examples"


def rendered(*documents: Any, namespace: str | None = None) -> list[Json]:
    return list(render_children(documents, "apps.yaml", namespace))


EXTERNAL: Json = {
    "image": None,
    "ports": None,
    "service": {"type": "ExternalName", "externalName": "db.example.com"},
}
FIELD: Json = {"fieldRef": {"fieldPath": "spec.nodeName"}}


def two_ports(one: Json, other: Json) -> list[Json]:
    return [{"name": "a", "port": 80, **one}, {"name": "b", "port": 81, **other}]


@pytest.mark.parametrize("name", SPECS)
def test_the_objects_are_those_that_the_operator_creates(name: str) -> None:
    spec = complete(SPECS[name])
    identity = AppRef("shop", "web", "some-uid")
    parsed = ExposedAppSpec.model_validate(spec)
    service = make_service(identity, parsed, pod_labels(identity, parsed, None))
    expected = [child for child in (make_deployment(identity, parsed), service) if child]
    children = rendered(app(spec), namespace="shop")
    assert [child["spec"] for child in children] == [child["spec"] for child in expected]
    assert {child["metadata"]["namespace"] for child in children} == {"shop"}


def test_what_only_a_cluster_knows_is_left_out() -> None:
    for child in rendered(app(complete({}))):
        assert child["metadata"].keys() == {"name", "labels"}


def test_the_files_namespace_wins() -> None:
    children = rendered(app(complete({}), namespace="shop"), namespace="other")
    assert {child["metadata"]["namespace"] for child in children} == {"shop"}


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.yaml")), ids=lambda path: path.name)
def test_every_example_can_be_rendered(path: Path) -> None:
    children = list(render_children(parse_documents(path.read_text(), path.name), path.name, None))
    assert children[-1]["kind"] == "Service"


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
def test_any_spec_is_rendered_or_refused(spec: Any) -> None:
    given_parts = complete(spec) if isinstance(spec, dict) else spec
    with contextlib.suppress(CommandError):
        rendered(app(given_parts))


def test_other_kinds_are_skipped() -> None:
    assert rendered({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}) == []


@pytest.mark.parametrize(
    ("spec", "message"),
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
            "two of ports[] have the same port and protocol",
        ),
        ({"replicas": "2"}, "spec.replicas: must be a whole number"),
        ({"service": {"type": "Nodeport"}}, "spec.service.type: must be one of NodePort,"),
        ({"nodes": {"host": "10.0.0.1:80"}}, "spec.nodes.host: nodes.host must be a DNS name"),
        ({"nodes": {"host": "not a host"}}, "spec.nodes.host: nodes.host must be a DNS name"),
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
        ({"image": "demo: 1"}, "spec.image: 'demo: 1' contains a blank"),
        ({"image": "demo:1\n"}, "spec.image: 'demo:1\\n' contains a blank"),
        (
            {"ports": two_ports({"nodePort": 30008}, {"nodePort": 30008})},
            "two of ports[] have the same nodePort and protocol",
        ),
        (
            {"ports": two_ports({"nodePort": 30008}, {"nodePort": 30008, "protocol": "UDP"})},
            "two of ports[] have the same nodePort for different ports",
        ),
        (
            {"nodes": {"addressTypes": ["InternalIP", "InternalIP"]}},
            "spec.nodes.addressTypes: addressTypes names a type twice",
        ),
        ({"service": {"ipFamilies": ["IPv4", "IPv6"]}}, "two service.ipFamilies need"),
        (
            {"service": {"ipFamilies": ["IPv4", "IPv6"], "ipFamilyPolicy": "SingleStack"}},
            "two service.ipFamilies need",
        ),
        (
            {"service": {"ipFamilies": ["IPv4", "IPv4"], "ipFamilyPolicy": "PreferDualStack"}},
            "spec.service.ipFamilies: ipFamilies names a family twice",
        ),
        (
            {**EXTERNAL, "service": {**EXTERNAL["service"], "sessionAffinity": "None"}},
            "with service.type ExternalName no traffic",
        ),
        (
            {"readinessProbe": {"exec": {"command": ["a"]}, "terminationGracePeriodSeconds": 1}},
            "a readinessProbe ends no container",
        ),
        (
            {"livenessProbe": {"exec": {"command": ["a"]}, "successThreshold": 2}},
            "livenessProbe.successThreshold can be 1 only",
        ),
        ({"readinessProbe": {"periodSeconds": 1}}, "a probe needs exactly one of"),
        ({"image": None, "selector": {"a": "b"}, "args": []}, "command, args, env, envFrom"),
        ({"service": {"labels": {"-a": "b"}}}, "spec.service.labels: labels has a key"),
        ({"nodes": {"selector": {"a" * 64: "b"}}}, "spec.nodes.selector: nodes.selector has a key"),
        ({"nodes": {"selector": {1: "b"}}}, "spec.nodes.selector: nodes.selector has a key"),
        (
            {"env": [{"name": "A", "value": "b", "valueFrom": FIELD}]},
            "spec.env[0]: an environment variable has a value or a valueFrom",
        ),
        (
            {"env": [{"name": "A", "valueFrom": {}}]},
            "spec.env[0].valueFrom: valueFrom needs exactly one of",
        ),
        ({"envFrom": [{"prefix": "A"}]}, "spec.envFrom[0]: an item of envFrom needs exactly one"),
        (
            {"ports": [{"port": 80, "targetPort": "nowhere"}]},
            "spec.ports[0].targetPort: no container port is named 'nowhere'",
        ),
        ({"podTemplate": {"spec": {"$patch": "remove"}}}, "spec.podTemplate"),
        ({"podTemplate": {"spec": "x"}}, "spec.podTemplate.spec: must be an object"),
    ],
)
def test_wrong_input_is_reported_with_its_field(spec: Json, message: str) -> None:
    with pytest.raises(CommandError) as raised:
        rendered(app(complete(spec)))
    assert f"apps.yaml: web: {message}" in str(raised.value)
    assert raised.value.code == ExitCode.USAGE


def test_all_problems_are_reported_at_once() -> None:
    with pytest.raises(CommandError) as raised:
        rendered(app(complete({"imagee": "a", "replicas": -1})))
    assert len(str(raised.value).splitlines()) == 2


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({**app({}), "apiVersion": "exposedapp.dev/v1"}, "apiVersion: must be"),
        ({**app(complete({})), "metadata": {"name": "Web"}}, "metadata.name becomes the name"),
        ({**app(complete({})), "metadata": None}, "metadata.name becomes the name"),
        (app(None), "spec: is missing"),
        (app("x"), "spec: must be an object"),
    ],
)
def test_wrong_objects(body: Json, message: str) -> None:
    with pytest.raises(CommandError, match=message):
        rendered(body)


@pytest.mark.parametrize("text", ["a: [", "a: \x00", "- 1\nb: 2", "a: 2026-99-99", "!!python/x 1"])
def test_text_that_is_not_yaml(text: str) -> None:
    with pytest.raises(CommandError, match=r"^apps.yaml"):
        parse_documents(text, "apps.yaml")


@pytest.mark.parametrize("kind", ["List", "ExposedAppList"])
def test_the_output_of_kubectl_get(kind: str) -> None:
    server_managed = {
        "uid": "some-uid",
        "resourceVersion": "7",
        "generation": 2,
        "creationTimestamp": "2026-01-01T00:00:00Z",
        "managedFields": [{"manager": "kubectl"}],
        "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}"},
    }
    got = app(complete({}), namespace="shop", **server_managed)
    got["status"] = {"observedGeneration": 2, "urls": ["http://10.0.0.1:30008"]}
    other = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}
    inner = {"apiVersion": "v1", "kind": "List", "items": [other]}
    listed = {"apiVersion": "v1", "kind": kind, "items": [got, inner], "metadata": {}}
    children = rendered(listed)
    assert children == rendered(app(complete({}), namespace="shop"))
    assert children


@pytest.mark.parametrize("items", [None, []])
def test_an_empty_list(items: list[Json] | None) -> None:
    assert rendered({"apiVersion": "v1", "kind": "List", "items": items}) == []


@pytest.mark.parametrize(
    ("items", "message"),
    [([1], r"document 1, item 1 is not a Kubernetes object"), ({"a": 1}, "items: must be a list")],
)
def test_items_that_are_not_a_list_of_objects(items: Any, message: str) -> None:
    with pytest.raises(CommandError, match=message):
        rendered({"apiVersion": "v1", "kind": "List", "items": items})


@pytest.mark.parametrize("text", ["1", "[]", "a: b"])
def test_documents_that_are_not_objects(text: str) -> None:
    with pytest.raises(CommandError, match="document 1 is not a Kubernetes object"):
        rendered(*parse_documents(text, "apps.yaml"))


def test_too_deep() -> None:
    with pytest.raises(CommandError, match="nested too deep"):
        parse_documents("[" * 1000, "apps.yaml")


def test_nulls_are_as_if_not_written() -> None:
    spec = complete({})
    assert rendered(app({**spec, "replicas": None, "nodes": None})) == rendered(app(spec))
