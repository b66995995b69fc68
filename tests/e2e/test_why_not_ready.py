# SPDX-License-Identifier: Apache-2.0
"""What keeps pods from being ready is named, by the condition and by the doctor alike.

One app for each cause, all created at once: the kubelet and the scheduler take their time for each.
"""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
from pytest_kind import KindCluster

from e2e.conftest import Operator, namespace_of
from e2e.support import DEMO_IMAGE, Json, Namespace, app, eventually, exposedapp

pytestmark = pytest.mark.shares_cluster

OPEN, RESTRICTED, LIMITED = "open", "restricted", "limited"

OBJECTS: dict[str, list[Json]] = {
    OPEN: [
        {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {"name": "unbound"},
            "spec": {
                "accessModes": ["ReadWriteOnce"],
                "storageClassName": "nowhere",
                "resources": {"requests": {"storage": "1Mi"}},
            },
        },
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "alone", "labels": {"app": "alone"}},
            "spec": {
                "volumes": [{"name": "tls", "secret": {"secretName": "nowhere"}}],
                "containers": [
                    {
                        "name": "web",
                        "image": DEMO_IMAGE,
                        "volumeMounts": [{"name": "tls", "mountPath": "/tls"}],
                    }
                ],
            },
        },
    ],
    RESTRICTED: [],
    LIMITED: [
        {
            "apiVersion": "v1",
            "kind": "ResourceQuota",
            "metadata": {"name": "no-pods"},
            "spec": {"hard": {"pods": "0"}},
        },
        {
            "apiVersion": "v1",
            "kind": "LimitRange",
            "metadata": {"name": "small"},
            "spec": {"limits": [{"type": "Container", "max": {"memory": "64Mi"}}]},
        },
    ],
}
"""What there is in each namespace before the apps."""


@dataclass(frozen=True)
class Case:
    """An app whose pods cannot be ready."""

    spec: Json
    reason: str
    words: tuple[str, ...]
    place: str = OPEN


def pod_of(**spec: Any) -> Json:
    """The spec of an app that adds this to its pods."""
    return {"podTemplate": {"spec": spec}}


def mounting(volume: Json) -> Json:
    """The spec of an app whose pods mount this volume."""
    mounts = [{"name": "data", "mountPath": "/data"}]
    containers = [{"name": "app", "volumeMounts": mounts}]
    return pod_of(volumes=[{"name": "data", **volume}], containers=containers)


def python(program: str) -> list[str]:
    return ["python3", "-c", program]


LATE = Case(
    mounting({"secret": {"secretName": "late"}}),
    "FailedMount",
    ('volume "data"', 'secret "late" not found'),
)

CASES = {
    "missing-config-map": Case(
        {"envFrom": [{"configMapRef": {"name": "nowhere"}}]},
        "CreateContainerConfigError",
        ('configmap "nowhere" not found',),
    ),
    "missing-secret-volume": Case(
        mounting({"secret": {"secretName": "nowhere"}}),
        "FailedMount",
        ('volume "data"', 'secret "nowhere" not found'),
    ),
    "missing-config-map-volume": Case(
        mounting({"configMap": {"name": "nowhere"}}),
        "FailedMount",
        ('volume "data"', 'configmap "nowhere" not found'),
    ),
    "missing-claim": Case(
        mounting({"persistentVolumeClaim": {"claimName": "nowhere"}}),
        "Unschedulable",
        ('persistentvolumeclaim "nowhere" not found',),
    ),
    "unbound-claim": Case(
        mounting({"persistentVolumeClaim": {"claimName": "unbound"}}),
        "Unschedulable",
        ('storageclass.storage.k8s.io "nowhere" not found',),
    ),
    "readiness-probe": Case(
        {"readinessProbe": {"httpGet": {"port": 9999}, "periodSeconds": 5}},
        "Unhealthy",
        ("container app runs, its readiness probe fails", ":9999", "connection refused"),
    ),
    "readiness-probe-status": Case(
        {
            "readinessProbe": {
                "exec": {"command": python("print('no database'); exit(1)")},
                "timeoutSeconds": 10,
            }
        },
        "Unhealthy",
        ("container app runs, its readiness probe fails: no database",),
    ),
    "out-of-memory": Case(
        {
            "command": python("b'x' * (256 << 20)"),
            "resources": {"limits": {"memory": "48Mi"}},
        },
        "CrashLoopBackOff",
        ("OOMKilled, exit code 137, memory limit 48Mi",),
    ),
    "node-selector": Case(
        pod_of(nodeSelector={"disk": "nowhere"}),
        "Unschedulable",
        ("didn't match Pod's node affinity/selector",),
    ),
    "scheduling-gate": Case(
        pod_of(schedulingGates=[{"name": "example.com/queue"}]),
        "Unschedulable",
        ("SchedulingGated", "example.com/queue"),
    ),
    "no-scheduler": Case(
        pod_of(schedulerName="nowhere"),
        "Progressing",
        ("the scheduler nowhere has not placed it on a node",),
    ),
    "image-name": Case(
        {"image": "No Image"},
        "ImagePullBackOff",
        ("No Image",),
    ),
    "init-container": Case(
        pod_of(
            initContainers=[
                {"name": "migrate", "image": DEMO_IMAGE, "command": python("raise SystemExit(4)")}
            ]
        ),
        "CrashLoopBackOff",
        ("init container migrate", "exit code 4"),
    ),
    "init-container-runs": Case(
        pod_of(
            initContainers=[
                {
                    "name": "wait",
                    "image": DEMO_IMAGE,
                    "command": python("import time; time.sleep(600)"),
                }
            ]
        ),
        "Progressing",
        ("init container wait has not finished",),
    ),
    "readiness-gate": Case(
        pod_of(readinessGates=[{"conditionType": "example.com/balanced"}]),
        "Progressing",
        ('pod readiness gate "example.com/balanced"',),
    ),
    "selected-pod": Case(
        {"selector": {"app": "alone"}},
        "FailedMount",
        ("Pod alone", 'secret "nowhere" not found'),
    ),
    "no-selected-pod": Case(
        {"selector": {"app": "nowhere"}},
        "Progressing",
        ("No pod in namespace", "app=nowhere"),
    ),
    "pod-security": Case(
        {}, "FailedCreate", ("violates PodSecurity", "allowPrivilegeEscalation"), RESTRICTED
    ),
    "quota": Case({}, "FailedCreate", ("exceeded quota: no-pods",), LIMITED),
    "limit-range": Case(
        {"resources": {"limits": {"memory": "1Gi"}}},
        "FailedCreate",
        ("maximum memory usage per Container is 64Mi",),
        LIMITED,
    ),
}


@pytest.fixture(scope="module")
def places(cluster: KindCluster, operator: Operator) -> Iterator[dict[str, Namespace]]:
    """The namespaces, with all apps in them, and one whose volume is there later."""
    with ExitStack() as stack:
        namespaces = {place: stack.enter_context(namespace_of(cluster)) for place in OBJECTS}
        enforce = "pod-security.kubernetes.io/enforce=restricted"
        restricted = namespaces[RESTRICTED]
        restricted.kubectl("label", "namespace", restricted.name, enforce)
        for place, namespace in namespaces.items():
            apps = [
                selecting(name, case.spec["selector"])
                if "selector" in case.spec
                else app(name, **case.spec)
                for name, case in CASES.items()
                if case.place == place
            ]
            if objects := OBJECTS[place]:
                namespace.apply(*objects)
            if place == LIMITED:
                eventually(partial(quota_is_known, namespace))
            namespace.apply(*apps)
        namespaces[OPEN].apply(app("late", **LATE.spec))
        yield namespaces


def quota_is_known(namespace: Namespace) -> None:
    """Until then pods are refused with other words, and a ReplicaSet keeps the first ones."""
    assert namespace.get("resourcequota", "no-pods")["status"]["hard"] == {"pods": "0"}


def selecting(name: str, selector: Json) -> Json:
    """An app in front of pods that another workload runs."""
    body = app(name, selector=selector)
    del body["spec"]["image"]
    return body


def is_reported(namespace: Namespace, name: str, case: Case) -> None:
    ready = namespace.ready(name)
    assert (ready["status"], ready["reason"]) == ("False", case.reason), ready
    for words in case.words:
        assert words in ready["message"], ready


def test_a_volume_whose_secret_is_created_heals(places: dict[str, Namespace]) -> None:
    """The first test: the longer a mount has failed, the later the kubelet repeats it."""
    namespace = places[OPEN]
    eventually(partial(is_reported, namespace, "late", LATE))
    namespace.kubectl("create", "secret", "generic", "late", "--from-literal=a=b")
    namespace.wait_ready("late")


@pytest.mark.parametrize("name", CASES)
def test_the_condition_and_the_doctor_name_the_cause(
    places: dict[str, Namespace], name: str
) -> None:
    case = CASES[name]
    namespace = places[case.place]
    eventually(partial(is_reported, namespace, name, case), deadline=60)

    def is_diagnosed() -> None:
        diagnosis = json.loads(exposedapp(namespace, "doctor", name, "-o", "json").out)["diagnosis"]
        for words in case.words:
            assert words in diagnosis

    eventually(is_diagnosed, deadline=20)  # a container that crashes is ready for a moment


def test_a_paused_deployment(namespace: Namespace) -> None:
    resume = f"kubectl rollout resume -n {namespace.name} deployment/held"
    namespace.apply(app("held"))
    namespace.wait_ready("held")
    namespace.kubectl("rollout", "pause", "deployment/held")
    namespace.apply(app("held", env=[{"name": "A", "value": "b"}]))
    eventually(partial(is_reported, namespace, "held", Case({}, "DeploymentPaused", (resume,))))
    namespace.kubectl("rollout", "resume", "deployment/held")
    namespace.wait_ready("held")
