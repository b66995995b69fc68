# SPDX-License-Identifier: Apache-2.0
"""The CustomResourceDefinition: structural, a manual for `kubectl explain`, and committed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from exposedapp.api import crd
from exposedapp.api.meta import Json

ROOT = Path(__file__).parents[3]
COMMITTED = ROOT / "deploy" / "chart" / "exposedapp" / "files" / "crd.yaml"

QUANTITIES = {
    "spec.resources.limits{}",
    "spec.resources.requests{}",
    "spec.env[].valueFrom.resourceFieldRef.divisor",
}
"""A number may have a fraction, and the schema has no type for that."""

INT_OR_STRING = [{"type": "integer"}, {"type": "string"}]


def version() -> Json:
    (version,) = crd.definition()["spec"]["versions"]
    return dict(version)


def schemas(node: Json, path: str = "") -> Iterator[tuple[str, Json]]:
    """Every schema within a schema, with its path as `kubectl explain` takes it."""
    yield path, node
    for name, sub in node.get("properties", {}).items():
        yield from schemas(sub, f"{path}.{name}" if path else name)
    if "items" in node:
        yield from schemas(node["items"], f"{path}[]")
    if "additionalProperties" in node:
        yield from schemas(node["additionalProperties"], f"{path}{{}}")


SCHEMAS = dict(schemas(crd.schema()))
PROPERTIES = sorted(path for path in SCHEMAS if path and path[-1] not in "]}")


@pytest.mark.parametrize("path", [path for path in PROPERTIES if path != "metadata"])
def test_every_property_has_a_description(path: str) -> None:
    assert SCHEMAS[path].get("description", "").endswith(".")


def test_schemas_reach_every_depth() -> None:
    assert {
        "spec.env[].valueFrom.configMapKeyRef.optional",
        "spec.ports[].targetPort",
        "status.conditions[].lastTransitionTime",
    } <= set(PROPERTIES)
    assert {"spec.resources.limits{}", "spec.selector{}", "spec.service.labels{}"} <= SCHEMAS.keys()


@pytest.mark.parametrize(("path", "node"), SCHEMAS.items(), ids=[*SCHEMAS])
def test_structural(path: str, node: Json) -> None:
    # The API server refuses or ignores keywords that only pydantic's schemas have.
    assert not {"title", "$ref", "$defs", "const", "oneOf", "allOf", "discriminator"} & node.keys()
    assert not {"properties", "additionalProperties"} <= node.keys()
    if "anyOf" in node:
        assert node["anyOf"] == INT_OR_STRING
        assert node["x-kubernetes-int-or-string"] is True
    is_untyped = node.get("x-kubernetes-int-or-string", False) or path in QUANTITIES
    assert ("type" in node) is not is_untyped, path
    if "required" in node:
        assert set(node["required"]) <= node["properties"].keys()


def has_null(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(has_null, value.values()))
    return value is None


@pytest.mark.parametrize(("path", "node"), SCHEMAS.items(), ids=[*SCHEMAS])
def test_no_default_holds_a_null(path: str, node: Json) -> None:
    # No field is nullable, and the API server validates defaults by the schema.
    assert not has_null(node.get("default", "")), path


@pytest.mark.parametrize(
    ("path", "keys"),
    [
        ("spec.env", ["name"]),
        ("spec.resources.claims", ["name"]),
        ("status.conditions", ["type"]),
    ],
)
def test_map_lists(path: str, keys: list[str]) -> None:
    node = SCHEMAS[path]
    assert node["x-kubernetes-list-type"] == "map"
    assert node["x-kubernetes-list-map-keys"] == keys
    for key in keys:
        # The API server needs every key to be set: required, or with a default.
        assert (
            key in node["items"].get("required", ())
            or "default" in node["items"]["properties"][key]
        )


def test_every_list_of_objects_is_a_map_or_atomic() -> None:
    kinds = {
        path: node.get("x-kubernetes-list-type")
        for path, node in SCHEMAS.items()
        if node.get("type") == "array"
    }
    assert set(kinds.values()) == {"map", "atomic"}


def test_defaults() -> None:
    assert {
        path: node["default"]
        for path, node in SCHEMAS.items()
        if "default" in node and path != "status"
    } == {
        "spec.replicas": 1,
        "spec.service": {"type": "NodePort"},
        "spec.service.type": "NodePort",
        "spec.nodes.addressTypes": ["ExternalIP", "InternalIP"],
        "spec.nodes.limit": 16,
        "spec.probe.enabled": True,
        "spec.probe.type": "tcp",
        "spec.probe.periodSeconds": 60,
        "spec.probe.timeoutSeconds": 2,
        "spec.probe.failureThreshold": 2,
        "spec.suspend": False,
    }


def test_no_default_is_within_a_list() -> None:
    # Argo CD compares a list as a whole (docs/decisions/0019-no-defaults-in-list-items.md).
    assert [path for path, node in SCHEMAS.items() if "[]." in path and "default" in node] == []


def test_a_new_app_is_in_progress_before_the_first_reconcile() -> None:
    # kstatus calls an object without observedGeneration Current.
    assert SCHEMAS["status"]["default"]["observedGeneration"] == -1


def test_names() -> None:
    spec = crd.definition()["spec"]
    assert (spec["group"], spec["scope"]) == ("exposedapp.dev", "Namespaced")
    assert crd.definition()["metadata"]["name"] == "exposedapps.exposedapp.dev"
    assert spec["names"]["kind"] == "ExposedApp"
    assert spec["names"]["shortNames"] == ["xapp"]
    assert spec["names"]["categories"] == ["all"]
    assert version()["name"] == "v1alpha1"


def test_printer_columns() -> None:
    assert [
        (column["name"], column["type"], column["jsonPath"], column.get("priority", 0))
        for column in version()["additionalPrinterColumns"]
    ] == [
        ("URL", "string", ".status.url", 0),
        ("Ready", "string", '.status.conditions[?(@.type=="Ready")].status', 0),
        ("Reason", "string", '.status.conditions[?(@.type=="Ready")].reason', 0),
        ("Replicas", "integer", ".status.replicas", 0),
        ("Nodes", "integer", ".status.nodes.listed", 1),
        ("Age", "date", ".metadata.creationTimestamp", 0),
    ]


def test_subresources() -> None:
    assert version()["subresources"] == {
        "status": {},
        "scale": {
            "specReplicasPath": ".spec.replicas",
            "statusReplicasPath": ".status.replicas",
            "labelSelectorPath": ".status.selector",
        },
    }
    for path in ("spec.replicas", "status.replicas", "status.selector"):
        assert path in SCHEMAS


def test_rules_name_the_field_and_the_remedy() -> None:
    messages = {
        path: [rule["message"] for rule in node["x-kubernetes-validations"]]
        for path, node in SCHEMAS.items()
        if "x-kubernetes-validations" in node
    }
    assert set(messages) == {
        "",
        "spec",
        "spec.selector",
        "spec.deployment",
        "spec.deployment.annotations",
        "spec.deployment.labels",
        "spec.deployment.strategy",
        "spec.deployment.strategy.rollingUpdate",
        "spec.service.labels",
        "spec.service.ipFamilies",
        "spec.env[]",
        "spec.envFrom[]",
        "spec.livenessProbe",
        "spec.readinessProbe",
        "spec.env[].valueFrom",
        "spec.nodes.addressTypes",
        "spec.nodes.host",
        "spec.nodes.selector",
        "spec.service.annotations",
        *(
            f"spec.{probe}.{action}.port"
            for probe in ("readinessProbe", "livenessProbe")
            for action in ("httpGet", "tcpSocket")
        ),
        "spec.ports",
        "spec.ports[].targetPort",
    }
    assert "metadata.name" in messages[""][0]
    assert all("give each" in message for message in messages["spec.ports"])
    assert all(any(word in message for word in ("write", "remove")) for message in messages["spec"])
    assert "must be a number" in messages["spec.ports[].targetPort"][0]
    assert "lower case or an IP address, without scheme" in messages["spec.nodes.host"][0]


def test_the_committed_copy_is_up_to_date() -> None:
    path = COMMITTED.relative_to(ROOT)
    text = COMMITTED.read_text()
    assert yaml.safe_load(text) == crd.definition(), f"{path} is out of date: run make generate"
    assert text == crd.render(), f"{path} is not as it is generated: run make generate"
