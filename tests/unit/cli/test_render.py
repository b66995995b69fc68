"""Files become the objects that the operator makes of them, or a message that names the field."""

import contextlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exposedapp.api.app import ExposedAppSpec
from exposedapp.api.crd import NAME_RULE, schema
from exposedapp.api.meta import AppRef, Json
from exposedapp.cli.exit_codes import Exit, Failure
from exposedapp.cli.offline import documents, render
from exposedapp.cli.validation.cel_rules import RULES
from exposedapp.cli.validation.schema_check import problems
from exposedapp.desired.deployment import make_deployment
from exposedapp.desired.pod_template import pod_labels
from exposedapp.desired.service import make_service
from support.specs import SPECS

EXAMPLES = Path(__file__).parents[3] / "deploy" / "examples"


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


ELSEWHERE: Json = {
    "image": None,
    "ports": None,
    "service": {"type": "ExternalName", "externalName": "db.example.com"},
}
DNS: Json = {"name": "b", "port": 80, "protocol": "UDP"}
FIELD: Json = {"fieldRef": {"fieldPath": "spec.nodeName"}}


def two_ports(one: Json, other: Json) -> list[Json]:
    return [{"name": "a", "port": 80, **one}, {"name": "b", "port": 81, **other}]


@pytest.mark.parametrize("name", SPECS)
def test_the_objects_are_the_operators_own(name: str) -> None:
    spec = whole(SPECS[name])
    identity = AppRef("shop", "web", "some-uid")
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
        ({"image": "demo: 1"}, "spec.image: 'demo: 1' has a blank in it"),
        ({"image": "demo:1\n"}, "spec.image: 'demo:1\\n' has a blank in it"),
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
            {**ELSEWHERE, "service": {**ELSEWHERE["service"], "sessionAffinity": "None"}},
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


@pytest.mark.parametrize("kind", ["List", "ExposedAppList"])
def test_what_kubectl_get_prints(kind: str) -> None:
    server_managed = {
        "uid": "some-uid",
        "resourceVersion": "7",
        "generation": 2,
        "creationTimestamp": "2026-01-01T00:00:00Z",
        "managedFields": [{"manager": "kubectl"}],
        "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}"},
    }
    got = app(whole({}), namespace="shop", **server_managed)
    got["status"] = {"observedGeneration": 2, "urls": ["http://10.0.0.1:30008"]}
    other = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}
    inner = {"apiVersion": "v1", "kind": "List", "items": [other]}
    listed = {"apiVersion": "v1", "kind": kind, "items": [got, inner], "metadata": {}}
    found = rendered(listed)
    assert found == rendered(app(whole({}), namespace="shop"))
    assert found


@pytest.mark.parametrize("items", [None, []])
def test_an_empty_list(items: list[Json] | None) -> None:
    assert rendered({"apiVersion": "v1", "kind": "List", "items": items}) == []


@pytest.mark.parametrize(
    ("items", "told"),
    [([1], r"document 1, item 1 is no Kubernetes object"), ({"a": 1}, "items: must be a list")],
)
def test_what_is_no_list(items: Any, told: str) -> None:
    with pytest.raises(Failure, match=told):
        rendered({"apiVersion": "v1", "kind": "List", "items": items})


@pytest.mark.parametrize("text", ["1", "[]", "a: b"])
def test_what_is_no_object(text: str) -> None:
    with pytest.raises(Failure, match="document 1 is no Kubernetes object"):
        rendered(*documents(text, "apps.yaml"))


def test_too_deep() -> None:
    with pytest.raises(Failure, match="nested too deep"):
        documents("[" * 1000, "apps.yaml")


def test_nulls_are_as_if_not_written() -> None:
    assert rendered(app(whole({}) | {"replicas": None, "nodes": None})) == rendered(app(whole({})))


def messages(known: Json) -> list[str]:
    """Those of all rules of a schema, wherever they stand."""
    inside = [*known.get("properties", {}).values()] + (
        [known["items"]] if "items" in known else []
    )
    more = [it for part in inside for it in messages(part)]
    return [*(it["message"] for it in known.get("x-kubernetes-validations", ())), *more]


def test_each_rule_of_the_definition_is_known_here() -> None:
    said = set(messages(schema())) - {NAME_RULE["message"]}
    assert [it for it in said if sum(words in it for words in RULES) != 1] == []
    assert [words for words in RULES if not any(words in it for it in said)] == []


@pytest.mark.parametrize(
    "spec",
    [
        {"ports": [{"name": "a", "port": 80, "nodePort": 30008}, {**DNS, "nodePort": 30008}]},
        {"service": {"ipFamilies": ["IPv6"]}},
        {"image": None, "selector": {"example.com/" + "a" * 63: "b"}},
        {"env": [{"name": "A", "value": "", "valueFrom": FIELD}]},
        {"livenessProbe": {"grpc": {"port": 80}, "successThreshold": 1}},
        {"podTemplate": {"spec": {"containers": [{"name": "app", "env": None}]}}},
    ],
)
def test_what_the_rules_allow(spec: Json) -> None:
    assert problems(app(whole(spec))) == []


def test_the_specs_that_a_cluster_takes_have_no_problems() -> None:
    assert [found for spec in SPECS.values() for found in problems(app(whole(spec)))] == []
