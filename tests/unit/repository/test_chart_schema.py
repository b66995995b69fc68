# SPDX-License-Identifier: Apache-2.0
"""What the chart renders, against Kubernetes' own OpenAPI: no unknown field, no wrong type.

The OpenAPI is a file of the Go module k8s.io/kubernetes, in the version of tests/kind/go.mod.
"""

import json
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft4Validator

from support.helm import render
from unit.repository.test_chart_values import ALL_ON, SWITCHES

GO_MODULE = Path(__file__).parents[2] / "kind"
DEFINED_ELSEWHERE = {"monitoring.coreos.com", "cert-manager.io"}
"""Groups of other operators, whose schemas are not here. Those of the first are applied by
tests/e2e/test_monitoring.py."""
INT_OR_STRING = "io.k8s.apimachinery.pkg.util.intstr.IntOrString"
EVERYTHING = [
    'image={"repository":"a","registry":"r.example","digest":"sha256:%s"}' % ("a" * 64),
    'serviceAccount={"name":"given","annotations":{"a":"b"}}',
    'extraEnv=[{"name":"A","value":"b"}]',
    'volumes=[{"name":"ca","configMap":{"name":"ca"}}]',
    'volumeMounts=[{"name":"ca","mountPath":"/ca"}]',
    'imagePullSecrets=[{"name":"registry"}]',
    'topologySpreadConstraints=[{"maxSkew":1,"topologyKey":"z","whenUnsatisfiable":"ScheduleAnyway"}]',
    'podDisruptionBudget={"minAvailable":"50%"}',
    'networkPolicy={"enabled":true,"metricsFrom":[{"podSelector":{}}],"extraEgress":[{}]}',
    'priorityClassName="x"',
    'dnsPolicy="Default"',
    'deploymentAnnotations={"a":"b"}',
    'podAnnotations={"a":"b"}',
    'nodeSelector={"a":"b"}',
    'tolerations=[{"operator":"Exists"}]',
    "livenessProbe.failureThreshold=2",
    'probe.hosts=["a.example"]',
    'nodes.host="a.example"',
    'watchNamespaces=["shop"]',
]


@cache
def definitions() -> dict[str, Any]:
    """Kubernetes' types, in which a field that is not known is an error."""
    if shutil.which("go") is None:
        pytest.skip("no Go, whose module k8s.io/kubernetes has the OpenAPI")
    command = ["go", "list", "-m", "-f", "{{.Dir}}", "k8s.io/kubernetes"]
    listed = subprocess.run(command, cwd=GO_MODULE, capture_output=True, text=True, check=False)
    openapi = Path(listed.stdout.strip() or "missing") / "api" / "openapi-spec" / "swagger.json"
    if not openapi.exists():
        pytest.skip("k8s.io/kubernetes is not in Go's module cache: tests/kind/tools.sh")
    types: dict[str, Any] = json.loads(openapi.read_text())["definitions"]
    for schema in types.values():
        if "properties" in schema:
            schema.setdefault("additionalProperties", False)
    types[INT_OR_STRING] = {"type": ["integer", "string"]}
    return types


def errors(document: dict[str, Any]) -> list[str]:
    """What the API server would refuse, or drop, in an object."""
    group, _, version = document["apiVersion"].rpartition("/")
    if group in DEFINED_ELSEWHERE:
        return []
    kind = {"group": group, "version": version, "kind": document["kind"]}
    types = definitions()
    [name] = [
        name
        for name, schema in types.items()
        if kind in schema.get("x-kubernetes-group-version-kind", ())
    ]
    validator = Draft4Validator({"$ref": f"#/definitions/{name}", "definitions": types})
    return [
        f"{document['kind']} {'.'.join(map(str, error.absolute_path))}: {error.message[:200]}"
        for error in validator.iter_errors(document)
    ]


def all_errors(*sets: str) -> list[str]:
    """Those of all objects, the CustomResourceDefinition apart: it is the same with any values."""
    return [error for document in render("crds.install=false", *sets) for error in errors(document)]


@pytest.mark.parametrize("state", ["true", "false"])
@pytest.mark.parametrize("switch", SWITCHES)
def test_with_each_switch_on_and_off(switch: str, state: str) -> None:
    sets = [*ALL_ON, 'serviceAccount.name="given"', f"{switch}={state}", "crds.install=false"]
    assert all_errors(*sets) == []


def test_with_every_value_set() -> None:
    without_webhook = "admission.enabled=false"  # an operator of some namespaces has none
    assert all_errors(*ALL_ON, *EVERYTHING, without_webhook) == []


def test_the_custom_resource_definition() -> None:
    [crd] = [item for item in render() if item["kind"] == "CustomResourceDefinition"]
    assert errors(crd) == []


def test_a_misspelt_field_is_an_error() -> None:
    extra = '{"apiVersion":"v1","kind":"Pod","metadata":{"name":"x"},"spec":{"container":[]}}'
    assert all_errors(f"extraObjects=[{extra}]") != []
