# SPDX-License-Identifier: Apache-2.0
"""An admission policy that refuses a child: said in the policy's words, and healed when it goes.

What users of other projects ran into: gatekeeper#4320 and kyverno#10585.
"""

import json
from collections.abc import Iterator
from functools import partial

import pytest

from e2e.support import Json, Namespace, Refused, app, eventually

pytestmark = pytest.mark.shares_cluster

WORDS = "no node ports in this namespace"
SERVICE: Json = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "any"},
    "spec": {"type": "NodePort", "ports": [{"port": 80}]},
}


@pytest.fixture
def closed(namespace: Namespace) -> Iterator[Namespace]:
    """A namespace in which a policy refuses Services with node ports."""
    api = {"apiVersion": "admissionregistration.k8s.io/v1", "metadata": {"name": namespace.name}}
    rule = {
        "apiGroups": [""],
        "apiVersions": ["v1"],
        "resources": ["services"],
        "operations": ["CREATE", "UPDATE"],
    }
    own = {"matchLabels": {"kubernetes.io/metadata.name": namespace.name}}
    namespace.apply(
        {
            **api,
            "kind": "ValidatingAdmissionPolicy",
            "spec": {
                "matchConstraints": {"resourceRules": [rule]},
                "validations": [{"expression": "object.spec.type != 'NodePort'", "message": WORDS}],
            },
        },
        {
            **api,
            "kind": "ValidatingAdmissionPolicyBinding",
            "spec": {
                "policyName": namespace.name,
                "validationActions": ["Deny"],
                "matchResources": {"namespaceSelector": own},
            },
        },
    )
    try:
        eventually(partial(is_refused, namespace))
        yield namespace
    finally:
        remove_policy(namespace)


def is_refused(namespace: Namespace) -> None:
    """A new policy is in effect after a moment, and until then there is no refusal."""
    refusal = ""
    try:
        namespace.kubectl("create", "--dry-run=server", "-f", "-", stdin=json.dumps(SERVICE))
    except Refused as error:
        refusal = str(error)
    assert WORDS in refusal


def remove_policy(namespace: Namespace) -> None:
    for kind in ("validatingadmissionpolicybinding", "validatingadmissionpolicy"):
        namespace.kubectl("delete", kind, namespace.name, "--ignore-not-found")


def test_a_policy_that_forbids_node_ports(closed: Namespace) -> None:
    closed.apply(app("hello"))

    def is_reported() -> None:
        ready = closed.ready("hello")
        assert (ready["status"], ready["reason"]) == ("False", "Forbidden"), ready
        assert WORDS in ready["message"], ready

    eventually(is_reported)
    remove_policy(closed)
    closed.wait_ready("hello", seconds=120)
