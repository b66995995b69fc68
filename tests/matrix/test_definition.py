# SPDX-License-Identifier: Apache-2.0
"""Every version accepts the CustomResourceDefinition and serves it whole."""

import json

from e2e.support import Namespace, app, condition, eventually
from matrix.api_server import ApiServer


def test_it_is_established(definition: ApiServer) -> None:
    output = definition.kubectl("get", "crd", "exposedapps.exposedapp.dev", "--output", "json")
    status = json.loads(output)["status"]
    for kind in ("Established", "NamesAccepted"):
        assert condition(status, kind)["status"] == "True"
    assert not condition(status, "NonStructuralSchema")
    assert not condition(status, "KubernetesAPIApprovalPolicyConformant")


def test_kubectl_explains_a_field(definition: ApiServer) -> None:
    def is_explained() -> None:
        text = definition.kubectl("explain", "exposedapp.spec.ports.targetPort")
        assert "Port that the container listens on" in text

    eventually(is_explained)  # OpenAPI has a new definition a moment later


def test_kubectl_scales_and_lists_an_app(namespace: Namespace) -> None:
    namespace.apply(app("web"))
    namespace.kubectl("scale", "xapp/web", "--replicas=3")
    assert namespace.get("xapp", "web")["spec"]["replicas"] == 3
    header, row = namespace.kubectl("get", "all").splitlines()[-2:]
    assert header.split() == ["NAME", "URL", "READY", "REASON", "REPLICAS", "AGE"]
    assert row.startswith("exposedapp.exposedapp.dev/web ")


def test_a_new_app_has_the_defaults_of_its_status(namespace: Namespace) -> None:
    # The response: an operator may write its status right afterwards.
    created = namespace.kubectl("create", "-o", "json", "-f", "-", stdin=json.dumps(app("web")))
    assert json.loads(created)["status"] == {"observedGeneration": -1}
