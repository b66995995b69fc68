# SPDX-License-Identifier: Apache-2.0
"""Every version accepts the chart with everything in it switched on, and the plain manifests."""

import json
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
import yaml

from e2e.support import Json, Namespace, Refused, eventually
from e2e.test_monitoring import GROUP, KINDS, definitions
from e2e.test_policies import EXPOSEDAPPS, IMAGE, apply_as, user_with
from matrix.api_server import ROOT, ApiServer
from matrix.conftest import Operator
from matrix.helm import CHART, helm

MANIFESTS = ROOT / "deploy" / "manifests"

LIMITS: Json = {
    "serviceTypes": ["NodePort"],
    "nodePorts": {"first": 30000, "last": 30100},
    "hosts": ["apps.example.com"],
    "selectors": False,
    "externalIPs": False,
    "forbiddenPodFields": ["hostPath", "nodeName"],
}
"""Values of policies that switch each of its limits on."""


@pytest.fixture(scope="module")
def monitoring(definition: ApiServer) -> ApiServer:
    """The API server, with the kinds of Prometheus Operator."""
    files = [f"--filename={file}" for file in definitions()]
    definition.kubectl("apply", "--server-side", *files)
    definition.kubectl("wait", "--for=condition=Established", "--timeout=30s", *files)
    for plural in KINDS.values():
        eventually(partial(definition.kubectl, "get", f"{plural}.{GROUP}"))
    return definition


def switches(values: Json, path: str = "") -> Iterator[str]:
    """The path of every value that is true or false."""
    for key, value in values.items():
        if isinstance(value, bool):
            yield f"{path}{key}"
        elif isinstance(value, dict):
            yield from switches(value, f"{path}{key}.")


def everything_on() -> list[str]:
    values: Any = yaml.safe_load((CHART / "values.yaml").read_text())
    del values["admission"]["certManager"]  # its kinds are not on this API server
    limits = [f"--set-json=policies.{name}={json.dumps(limit)}" for name, limit in LIMITS.items()]
    return [*(f"--set={switch}=true" for switch in switches(values)), *limits]


def test_the_chart_with_everything_on_is_accepted(
    monitoring: ApiServer, namespace: Namespace
) -> None:
    """Helm compares the objects with their schemas, and the API server validates them, too."""
    flags = ["--dry-run=server", "--take-ownership", "--output=json", *everything_on()]
    output = helm(monitoring, "install", "matrix", CHART, *flags, namespace=namespace.name)
    manifest = json.loads(output)["manifest"]
    assert accepted(namespace, manifest) == len(list(yaml.safe_load_all(manifest)))


@pytest.mark.parametrize("file", sorted(MANIFESTS.glob("*.yaml")), ids=lambda file: file.stem)
def test_the_plain_manifests_are_accepted(
    definition: ApiServer, namespace: Namespace, file: Any
) -> None:
    """With an image named; not in the namespace that they create, which a dry run does not."""
    if file.stem == "policies":
        definition.require("1.30", "policies")
    text = file.read_text().replace('image: ""', "image: registry.example/exposedapp:matrix")
    objects = [document for document in yaml.safe_load_all(text) if document]
    for document in objects:
        document["metadata"].pop("namespace", None)
    assert accepted(namespace, yaml.safe_dump_all(objects)) == len(objects)


def accepted(namespace: Namespace, manifest: str) -> int:
    """Number of objects that the API server would store; it refuses a field it does not know."""
    command = ["apply", "--server-side", "--force-conflicts", "--dry-run=server"]
    command += ["--validate=strict", "--output=name", "--filename=-"]
    return len(namespace.kubectl(*command, stdin=manifest).splitlines())


def test_an_author_needs_the_rights_that_the_app_uses(
    operator: Operator, namespace: Namespace
) -> None:
    operator.api_server.require("1.30", "the chart's policies")
    user = user_with(namespace, EXPOSEDAPPS)
    eventually(partial(is_refused, namespace, user, "has no right to create services"))


def is_refused(namespace: Namespace, user: str, words: str) -> None:
    """A new policy is in effect after a moment, and until then there is no refusal."""
    refusal = ""
    try:
        apply_as(namespace, user, IMAGE)
    except Refused as error:
        refusal = str(error)
    assert words in refusal
