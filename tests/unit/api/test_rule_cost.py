# SPDX-License-Identifier: Apache-2.0
"""Every supported API server accepts the CustomResourceDefinition, the cost of its rules included.

An API server estimates what each CEL rule can cost at most, and refuses a definition over its
budget. Kubernetes 1.29 estimates higher than later versions. tests/matrix asks whole API servers.
"""

import json
import subprocess
from pathlib import Path

import pytest

from exposedapp.api import crd
from exposedapp.api.meta import Json

ROOT = Path(__file__).parents[3]


def refusals(definition: Json) -> list[str]:
    """Why Kubernetes 1.29 refuses a definition."""
    program = ROOT / "build/bin/crdcheck"
    if not program.exists():
        pytest.fail(f"There is no {program}: run tests/matrix/build.sh crdcheck (it needs Go).")
    done = subprocess.run(
        [program], input=json.dumps(definition), capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines()


def test_the_oldest_kubernetes_accepts_the_definition() -> None:
    assert refusals(crd.definition()) == []


def test_a_rule_over_the_budget_is_refused() -> None:
    definition = crd.definition()
    (version,) = definition["spec"]["versions"]
    spec = version["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
    (rule,) = spec["ports"]["items"]["properties"]["targetPort"]["x-kubernetes-validations"]
    rule["rule"] = "self.matches('^[a-z]+$')"
    assert "estimated rule cost exceeds budget" in refusals(definition)[0]
