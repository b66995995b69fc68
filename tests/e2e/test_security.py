# SPDX-License-Identifier: Apache-2.0
"""The operator runs with as little as it needs."""

import json

import pytest

from e2e.conftest import OPERATOR_NAMESPACE, REPLICAS, Operator
from e2e.support import Refused


def test_runs_under_the_restricted_level(operator: Operator) -> None:
    level = operator.namespace.get("namespace", OPERATOR_NAMESPACE)["metadata"]["labels"]
    assert level["pod-security.kubernetes.io/enforce"] == "restricted"
    running = json.loads(operator.namespace.kubectl("get", "pods", "-o", "json"))["items"]
    assert [pod["status"]["phase"] for pod in running] == ["Running"] * REPLICAS
    command = ["exec", "deployment/exposedapp", "--", "python3", "-c"]
    assert operator.namespace.kubectl(*command, "import os; print(os.getuid())").strip() != "0"
    with pytest.raises(Refused, match="Read-only file system"):
        operator.namespace.kubectl(*command, "open('/app/file', 'w')")


@pytest.mark.parametrize(
    "verb_and_resource",
    ["get secrets", "delete services", "create pods", "delete exposedapps", "patch nodes"],
)
def test_may_not_do_what_it_need_not(operator: Operator, verb_and_resource: str) -> None:
    impersonation = f"--as=system:serviceaccount:{OPERATOR_NAMESPACE}:exposedapp"
    with pytest.raises(Refused):
        operator.namespace.kubectl(
            "auth", "can-i", *verb_and_resource.split(), "-A", "-q", impersonation
        )
