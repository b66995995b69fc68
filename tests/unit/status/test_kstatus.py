# SPDX-License-Identifier: Apache-2.0
"""How other programs judge an ExposedApp: Helm 4 and Flux by kstatus, Argo CD by our check."""

import json
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from lupa.lua51 import LuaRuntime  # the version of Lua that Argo CD runs

from exposedapp.api.app import ExposedAppStatus
from exposedapp.api.conditions import Reason
from exposedapp.api.meta import Json
from exposedapp.exposure.probes import ProbeResult, ProbeResults
from exposedapp.status.internal_error import internal_error_status
from exposedapp.status.observation import PodFailure, Problem
from exposedapp.status.queries import ready_condition
from support.objects import APP, deployment_body
from support.probes import LATE
from support.snapshots import NORMAL, STOPPED, TWO, WELL, Seen, compute

ROOT = Path(__file__).parents[3]


def app(status: ExposedAppStatus, *, suspend: bool = False, **metadata: Any) -> Json:
    """The whole object, as the API server has it."""
    return {
        "apiVersion": "exposedapp.dev/v1alpha1",
        "kind": "ExposedApp",
        "metadata": {"name": APP.name, "namespace": APP.namespace, "generation": 7, **metadata},
        "spec": {"image": "registry.example/web:1", "ports": [{"port": 80}], "suspend": suspend},
        "status": status.model_dump(mode="json", by_alias=True, exclude_none=True),
    }


def refused(reason: Reason) -> Seen:
    return replace(WELL, problems=[Problem(reason, "The server's words.")])


def pods_failing(reason: Reason) -> Seen:
    return replace(TWO, pod_failure=PodFailure(reason, "The kubelet's words."))


def lacking_pods(condition: str, status: str) -> Seen:
    reported = {"type": condition, "status": status, "message": "The Deployment's words."}
    return replace(TWO, deployment=deployment_body(2, 1, conditions=[reported]))


def with_url(answer: ProbeResult | None, waited: float) -> Seen:
    return replace(
        WELL, answers=ProbeResults(0.0, {"http://10.0.0.1:30001": answer}), waited=waited
    )


PAUSED = replace(TWO, deployment=deployment_body(2, updatedReplicas=1, paused=True))
SCALING = replace(
    WELL, deployment=deployment_body(1, replicas=2, updatedReplicas=2), rolled_out=True
)

# At least one row for every reason of the condition Ready.
SEEN = [
    # what is observed                               kstatus       Argo CD
    (WELL,                                           "Current",    "Healthy"),
    (STOPPED,                                        "Current",    "Healthy"),
    (replace(WELL, nodes=[]),                        "InProgress", "Degraded"),
    (TWO,                                            "InProgress", "Progressing"),
    (with_url(None, waited=29.0),                    "InProgress", "Progressing"),
    (with_url(LATE, waited=30.0),                    "InProgress", "Degraded"),
    (pods_failing(Reason.IMAGE_PULL),                "InProgress", "Progressing"),
    (pods_failing(Reason.CONTAINER_CONFIG),          "InProgress", "Progressing"),
    (pods_failing(Reason.CRASH_LOOP),                "InProgress", "Progressing"),
    (pods_failing(Reason.UNSCHEDULABLE),             "InProgress", "Progressing"),
    (pods_failing(Reason.FAILED_MOUNT),              "InProgress", "Progressing"),
    (pods_failing(Reason.UNHEALTHY),                 "InProgress", "Progressing"),
    (PAUSED,                                         "InProgress", "Progressing"),
    (lacking_pods("ReplicaFailure", "True"),         "InProgress", "Progressing"),
    (lacking_pods("Progressing", "False"),           "InProgress", "Progressing"),
    (refused(Reason.INVALID_SPEC),                   "Failed",     "Degraded"),
    (refused(Reason.NOT_OWNED),                      "Failed",     "Degraded"),
    (refused(Reason.NODE_PORT_CONFLICT),             "Failed",     "Degraded"),
    (refused(Reason.NODE_PORTS_EXHAUSTED),           "Failed",     "Degraded"),
    (refused(Reason.QUOTA_EXCEEDED),                 "Failed",     "Degraded"),
    (refused(Reason.FORBIDDEN),                      "Failed",     "Degraded"),
]  # fmt: skip
BROKEN = internal_error_status(compute(TWO), WELL.generation, ZeroDivisionError(), WELL.now)
STALLED = compute(refused(Reason.NOT_OWNED))
OTHERS = {
    "new": (app(NORMAL), "InProgress", "Progressing"),
    "edited": (app(compute(WELL), generation=8), "InProgress", "Progressing"),
    "edited while stalled": (app(STALLED, generation=8), "InProgress", "Progressing"),
    "InternalError": (app(BROKEN), "Failed", "Degraded"),
    # What is being deleted is Progressing to Argo CD, which does not run the check for it.
    "deleted": (app(compute(WELL), deletionTimestamp=WELL.now), "Terminating", "Healthy"),
    "scaling": (app(compute(SCALING)), "InProgress", "Healthy"),
    "suspended": (app(compute(STOPPED), suspend=True), "Current", "Suspended"),
}


def reason_of(seen: Seen) -> str:
    ready = ready_condition(compute(seen))
    assert ready is not None
    return ready.reason


ROWS = {reason_of(seen): (app(compute(seen)), *health) for seen, *health in SEEN} | OTHERS
every_row = pytest.mark.parametrize(("body", "kstatus", "argocd"), ROWS.values(), ids=ROWS)


@pytest.fixture(scope="module")
def kstatus_program() -> Path:
    program = ROOT / "build/bin/kstatus"
    if not program.exists():
        pytest.fail("There is no build/bin/kstatus: run tests/kind/tools.sh user (it needs Go).")
    return program


def test_every_reason_has_a_row() -> None:
    assert set(Reason) <= set(ROWS)


@every_row
def test_kstatus(kstatus_program: Path, body: Json, kstatus: str, argocd: str) -> None:
    """Helm 4 --wait and Flux continue at Current, give up at Failed, and wait otherwise."""
    done = subprocess.run(
        [kstatus_program], input=json.dumps(body), capture_output=True, text=True, check=True
    )
    status, _, message = done.stdout.partition("\t")
    assert status == kstatus, message


@every_row
def test_argocd(body: Json, kstatus: str, argocd: str) -> None:
    lua = LuaRuntime()
    lua.globals().obj = lua.table_from(body, recursive=True)
    health = lua.execute((ROOT / "deploy/argocd/health.lua").read_text())
    assert health.status == argocd
    assert health.message
