"""The CustomResourceDefinition: structural, a manual for `kubectl explain`, and committed."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from exposedapp.api import crd as crd
from exposedapp.api.app import NodesSpec
from exposedapp.api.hosts import HOST_RULE, parse_host
from exposedapp.api.meta import Json

ROOT = Path(__file__).parents[3]
COMMITTED = ROOT / "deploy" / "chart" / "exposedapp" / "files" / "crd.yaml"

INT_OR_STRING = [{"type": "integer"}, {"type": "string"}]


def version() -> Json:
    (only,) = crd.definition()["spec"]["versions"]
    return dict(only)


def nodes(node: Json, path: str = "") -> Iterator[tuple[str, Json]]:
    """Every schema within a schema, with its path as `kubectl explain` takes it."""
    yield path, node
    for name, sub in node.get("properties", {}).items():
        yield from nodes(sub, f"{path}.{name}" if path else name)
    if "items" in node:
        yield from nodes(node["items"], f"{path}[]")
    if "additionalProperties" in node:
        yield from nodes(node["additionalProperties"], f"{path}{{}}")


SCHEMAS = dict(nodes(crd.schema()))
PROPERTIES = sorted(path for path in SCHEMAS if path and path[-1] not in "]}")


@pytest.mark.parametrize("path", [path for path in PROPERTIES if path != "metadata"])
def test_every_property_has_a_description(path: str) -> None:
    assert SCHEMAS[path].get("description", "").endswith(".")


def test_the_walk_reaches_the_depths() -> None:
    assert {
        "spec.env[].valueFrom.configMapKeyRef.optional",
        "spec.ports[].targetPort",
        "status.conditions[].lastTransitionTime",
    } <= set(PROPERTIES)
    assert {"spec.resources.limits{}", "spec.selector{}", "spec.service.labels{}"} <= SCHEMAS.keys()


@pytest.mark.parametrize(("path", "node"), SCHEMAS.items(), ids=[*SCHEMAS])
def test_structural(path: str, node: Json) -> None:
    # What is left of pydantic's dialect would be refused by the API server, or ignored.
    assert not {"title", "$ref", "$defs", "const", "oneOf", "allOf", "discriminator"} & node.keys()
    assert not {"properties", "additionalProperties"} <= node.keys()
    if "anyOf" in node:
        assert node["anyOf"] == INT_OR_STRING
        assert node["x-kubernetes-int-or-string"] is True
    assert ("type" in node) is not node.get("x-kubernetes-int-or-string", False), path
    if "required" in node:
        assert set(node["required"]) <= node["properties"].keys()


def nulls(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(nulls, value.values()))
    return value is None


@pytest.mark.parametrize(("path", "node"), SCHEMAS.items(), ids=[*SCHEMAS])
def test_no_default_holds_a_null(path: str, node: Json) -> None:
    # None of the fields is nullable, and the API server checks defaults against the schema.
    assert not nulls(node.get("default", "")), path


@pytest.mark.parametrize(
    ("path", "keys"),
    [
        ("spec.ports", ["port", "protocol"]),
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
        # The API server wants every key to be there: required, or with a default.
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
        "spec.ports[].protocol": "TCP",
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


def test_rules_name_the_field_and_what_to_write() -> None:
    told = {
        path: [rule["message"] for rule in node["x-kubernetes-validations"]]
        for path, node in SCHEMAS.items()
        if "x-kubernetes-validations" in node
    }
    assert set(told) == {
        "",
        "spec",
        "spec.selector",
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
    assert "metadata.name" in told[""][0]
    assert all("give each" in message for message in told["spec.ports"])
    assert all(any(word in message for word in ("write", "remove")) for message in told["spec"])
    assert "must be a number" in told["spec.ports[].targetPort"][0]
    assert "lower case or an IP address, without scheme" in told["spec.nodes.host"][0]


GOOD_HOSTS = [
    *("apps.example.com", "a", "1a", "a1.2b", "12-34", "localhost", "xn--bcher-kva.example"),
    *("10.0.0.1", "127.0.0.1", "255.255.255.255", "240.0.0.1", "n" * 63),
    *("::1", "fd00::", "fd00::1", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7::", "1::3:4:5:6:7:8"),
]
BAD_HOSTS = [
    *("", "Apps.example.com", "apps.example.com:80", "http://apps.example.com", "a..b", "-a", "a-"),
    *("a.", ".a", "a_b", "a/b", "a b", "n" * 64, "12", "a.12", "<nil>", "[fd00::1]", "a\n"),
    *("10.0.0.1:8080", "10.0.0.256", "10.0.0", "10.0.0.01", "0.0.0.0", "169.254.0.1", "224.0.0.1"),  # noqa: S104 - not listened at
    *(":::::", ":", ":::", "1::2::3", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::"),
    *("1:2:3:4:5:6:7::8", "fd00::12345", "fd00::g", "FD00::1", "fd00::1%eth0", "::ffff:10.0.0.1"),
    *("::", "0:0:0:0:0:0:0:0", "fe80::1", "febf::1", "ff02::1", "lb.example.com:8080"),
]


def cel(rule: str, text: str) -> bool:
    """What a rule of this form says, of which each part means the same in Python."""
    for said, meant in [
        *((r"!self\.matches", "not self.matches"), (r"&&", "and"), (r"\|\|", "or")),
        (r"self\.matches\(", "search("),
        (
            r"self\.split\(':'\)\.filter\(group, group != ''\)\.size\(\)",
            "len([it for it in text.split(':') if it])",
        ),
    ]:
        rule = re.sub(said, meant, rule)
    scope = {"search": lambda pattern: re.search(pattern.replace("$", r"\Z"), text), "text": text}
    return bool(eval(rule, scope))  # noqa: S307 - our own


@pytest.mark.parametrize(
    ("host", "good"), [*((it, True) for it in GOOD_HOSTS), *((it, False) for it in BAD_HOSTS)]
)
def test_a_host_for_the_api_server_and_for_the_operator(host: str, good: bool) -> None:
    (rule,) = SCHEMAS["spec.nodes.host"]["x-kubernetes-validations"]
    assert cel(rule["rule"], host) is good
    assert (parse_host(host) is not None) is good
    if good:
        assert NodesSpec(host=host).host == host
    else:
        with pytest.raises(ValidationError, match="must be a DNS name in lower case or an IP"):
            NodesSpec(host=host)


@given(st.text("0123456789abcdefg:.-%", min_size=1, max_size=24))
def test_they_agree_on_every_host(host: str) -> None:
    assert cel(HOST_RULE, host) is (parse_host(host) is not None)


def test_the_committed_copy_is_up_to_date() -> None:
    shown = COMMITTED.relative_to(ROOT)
    text = COMMITTED.read_text()
    assert yaml.safe_load(text) == crd.definition(), f"{shown} is out of date: run make generate"
    assert text == crd.render(), f"{shown} is not as it is generated: run make generate"
