# SPDX-License-Identifier: Apache-2.0
"""What is found offline is what the API server refuses, and nothing else."""

from typing import Any

import pytest

from exposedapp.api.crd import NAME_RULE, schema
from exposedapp.api.meta import Json
from exposedapp.cli.validation.cel_rules import RULES
from exposedapp.cli.validation.schema_check import find_problems
from support.cli import app, complete
from support.refused_specs import (
    CONTAINER_PORTS,
    REFUSED_CONTAINER_PORTS,
    REFUSED_NAMES,
    REFUSED_SPECS,
)
from support.specs import SPECS

DNS: Json = {"name": "b", "port": 80, "protocol": "UDP"}
FIELD: Json = {"fieldRef": {"fieldPath": "spec.nodeName"}}


def messages(known: Json) -> list[str]:
    """The messages of all rules of a schema and of the schemas in it."""
    items = [known["items"]] if "items" in known else []
    inner = [*known.get("properties", {}).values(), *items]
    own = [rule["message"] for rule in known.get("x-kubernetes-validations", ())]
    return [*own, *(message for part in inner for message in messages(part))]


def test_each_rule_of_the_definition_has_one_counterpart() -> None:
    rules = set(messages(schema())) - {NAME_RULE["message"]}
    assert [rule for rule in rules if sum(words in rule for words in RULES) != 1] == []
    assert [words for words in RULES if not any(words in rule for rule in rules)] == []


@pytest.mark.parametrize(
    "spec",
    [
        {"ports": [{"name": "a", "port": 80, "nodePort": 30008}, {**DNS, "nodePort": 30008}]},
        {"service": {"ipFamilies": ["IPv6"]}},
        {"image": None, "selector": {"example.com/" + "a" * 63: "b"}},
        {"env": [{"name": "A", "value": "", "valueFrom": FIELD}]},
        {"livenessProbe": {"grpc": {"port": 80}, "successThreshold": 1}},
        {"podTemplate": {"spec": {"containers": [{"name": "app", "env": None}]}}},
        {"resources": {"requests": {"cpu": 0.5}}},
        {
            "service": {
                "type": "ClusterIP",
                "externalTrafficPolicy": "Local",
                "externalIPs": ["::1"],
            }
        },
        {"deployment": {"minReadySeconds": 600, "progressDeadlineSeconds": 601}},
        {"deployment": {"strategy": {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": "1%"}}}},
        {"deployment": {"strategy": {"rollingUpdate": {"maxSurge": 0}}}},
    ],
)
def test_specs_that_the_rules_allow(spec: Json) -> None:
    assert find_problems(app(complete(spec))) == []


def test_specs_that_a_cluster_accepts_have_no_problems() -> None:
    problems = {name: find_problems(app(complete(spec))) for name, spec in SPECS.items()}
    assert not any(problems.values()), problems


@pytest.mark.parametrize("spec", [spec for spec, _ in REFUSED_SPECS.values()], ids=REFUSED_SPECS)
def test_specs_that_a_cluster_refuses_have_problems(spec: Json) -> None:
    assert find_problems(app(complete(spec)))


@pytest.mark.parametrize("name", REFUSED_NAMES)
def test_names_that_a_cluster_refuses_are_problems(name: str) -> None:
    assert find_problems(app(complete({}), name=name)) == [NAME_RULE["message"]]


@pytest.mark.parametrize("port", CONTAINER_PORTS)
def test_container_ports_that_the_rule_allows(port: int | str) -> None:
    assert find_problems(app(complete({"ports": [{"port": 80, "targetPort": port}]}))) == []


@pytest.mark.parametrize("port", REFUSED_CONTAINER_PORTS)
def test_container_ports_that_the_rule_refuses(port: int | str) -> None:
    (problem,) = find_problems(app(complete({"ports": [{"port": 80, "targetPort": port}]})))
    assert "a container's port must be" in problem


@pytest.mark.parametrize(
    ("spec", "problems"),
    [
        ({"selector": {}, "image": None}, ["spec.selector: must not be empty"]),
        (
            {"nodes": {"selector": {str(number): "" for number in range(65)}}},
            ["spec.nodes.selector: has more than 64 entries"],
        ),
        ({"nodes": {"selector": {"a": 1}}}, ["spec.nodes.selector[a]: must be a text (in quotes)"]),
        ({"nodes": {"selector": {"a": None}}}, []),
        ({"args": ["a", None]}, ["spec.args[1]: is null"]),
        ({"replicas": 1.0}, ["spec.replicas: must be a whole number"]),
        ({"ports": [{"port": 80, "targetPort": None, "protocol": None}]}, []),
        ({"ports": [{"port": None}]}, ["spec.ports[0].port: is missing"]),
        (
            {"ports": [{"port": 80, "targetPort": "x" * 16}]},
            ["spec.ports[0].targetPort: must have 0 to 15 characters"],
        ),
        (
            {"ports": [{"name": "A" * 64, "port": 80}]},
            ["spec.ports[0].name: must have 0 to 63 characters"],
        ),
        ({"podTemplate": {"spec": {"anything": {"goes": None}}}}, []),
    ],
)
def test_the_schema_is_read_as_kubernetes_reads_it(spec: Json, problems: list[str]) -> None:
    """Null is absent but in a list, 1.0 is no integer, and a field has one problem."""
    assert find_problems(app(complete(spec))) == problems


@pytest.mark.parametrize("value", [None, 0, "", [], {"a": {}}])
def test_unknown_fields_are_reported_whatever_their_value(value: Any) -> None:
    (problem,) = find_problems(app({**complete({}), "imagee": value}))
    assert problem.startswith("spec.imagee: there is no such field; there are args, command, ")
