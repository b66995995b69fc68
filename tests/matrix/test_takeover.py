# SPDX-License-Identifier: Apache-2.0
"""`exposedapp expose` finds nothing to change in Deployments of many kinds, on every version.

There are no controllers: what is adopted is seen in tests/e2e/test_cli_takeover.py.
"""

import copy
from typing import Any

import pytest
import yaml

from e2e.support import Json, Namespace, exposedapp
from e2e.test_cli_takeover import DEPLOYMENT, SERVICE

SECOND = {"name": "proxy", "image": "proxy:1", "ports": [{"containerPort": 9000}]}

POD_SPECS: dict[str, Json] = {
    "as it is": {},
    "account": {"serviceAccountName": "robot", "automountServiceAccountToken": False},
    "two containers": {
        "containers": [SECOND, *DEPLOYMENT["spec"]["template"]["spec"]["containers"]]
    },
    "init container": {"initContainers": [{"name": "wait", "image": "wait:1", "command": ["a"]}]},
    "sidecar": {
        "initContainers": [{"name": "proxy", "image": "proxy:1", "restartPolicy": "Always"}]
    },
    "security": {
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    },
    "volumes": {
        "volumes": [
            {"name": "scratch", "emptyDir": {"sizeLimit": "1Gi"}},
            {"name": "settings", "configMap": {"name": "settings", "defaultMode": 420}},
            {"name": "keys", "secret": {"secretName": "keys", "defaultMode": 256}},
            {"name": "host", "hostPath": {"path": "/var/log"}},
            {"name": "claim", "persistentVolumeClaim": {"claimName": "data"}},
            {
                "name": "all",
                "projected": {"sources": [{"serviceAccountToken": {"path": "token"}}]},
            },
        ]
    },
    "scheduling": {
        "nodeSelector": {"a": "b"},
        "tolerations": [{"key": "a", "operator": "Exists", "effect": "NoSchedule"}],
        "topologySpreadConstraints": [
            {
                "maxSkew": 1,
                "topologyKey": "kubernetes.io/hostname",
                "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": {"matchLabels": {"app": "shop"}},
            }
        ],
        "priorityClassName": "",
        "terminationGracePeriodSeconds": 5,
    },
    "pull secrets": {"imagePullSecrets": [{"name": "registry"}], "hostNetwork": False},
}

CONTAINERS: dict[str, Json] = {
    "probes": {
        "livenessProbe": {"tcpSocket": {"port": 8080}, "periodSeconds": 3},
        "readinessProbe": {"exec": {"command": ["true"]}, "initialDelaySeconds": 1},
        "startupProbe": {"httpGet": {"path": "/", "port": "http", "scheme": "HTTPS"}},
    },
    "environment": {
        "env": [
            {"name": "A", "value": "x=y"},
            {"name": "EMPTY"},
            {"name": "CPU", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu"}}},
            {"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
        ],
        "envFrom": [{"prefix": "P_", "configMapRef": {"name": "settings", "optional": True}}],
    },
    "resources": {
        "resources": {"limits": {"cpu": 1, "memory": "1000Mi"}, "requests": {"cpu": "1000m"}}
    },
    "words": {"command": ["sh", "-c"], "args": ["a", ""], "workingDir": "/srv", "tty": True},
    "pull": {"imagePullPolicy": "Always", "terminationMessagePolicy": "FallbackToLogsOnError"},
    "lifecycle": {
        "lifecycle": {"preStop": {"exec": {"command": ["sleep", "1"]}}},
        "securityContext": {"capabilities": {"drop": ["ALL"]}, "readOnlyRootFilesystem": True},
    },
    "ports": {
        "ports": [
            {"name": "http", "containerPort": 8080},
            {"name": "dns", "containerPort": 53, "protocol": "UDP"},
            {"containerPort": 53},
        ]
    },
}


def with_pod(changes: Json, container: Json) -> Json:
    deployment = copy.deepcopy(DEPLOYMENT)
    pod: dict[str, Any] = deployment["spec"]["template"]["spec"]
    pod["containers"][0] |= container
    deployment["spec"]["template"]["spec"] = pod | copy.deepcopy(changes)
    return deployment


DEPLOYMENTS = {
    **{name: with_pod(changes, {}) for name, changes in POD_SPECS.items()},
    **{name: with_pod({}, container) for name, container in CONTAINERS.items()},
}


@pytest.mark.parametrize("name", DEPLOYMENTS)
def test_nothing_of_the_pods_would_change(namespace: Namespace, name: str) -> None:
    namespace.apply(DEPLOYMENTS[name], SERVICE)
    before = {kind: namespace.get(kind, "shop") for kind in ("deployment", "service")}
    shown = exposedapp(namespace, "expose", "deployment/shop", "--dry-run")
    assert shown.code == 0, shown.err
    for kind, body in before.items():
        assert namespace.get(kind, "shop") == body
    assert namespace.names("xapp") == []


def test_manifests_become_apps_whose_children_are_valid(namespace: Namespace) -> None:
    names = {name: name.replace(" ", "-") for name in DEPLOYMENTS}
    files = yaml.safe_dump_all(
        {**body, "metadata": {"name": names[name]}}
        for name, deployment in DEPLOYMENTS.items()
        for body in (deployment, SERVICE)
    )
    shown = exposedapp(namespace, "import", "-f", "-", "--dry-run", stdin=files)
    assert shown.code == 0, shown.err
    assert len(list(yaml.safe_load_all(shown.out))) == len(DEPLOYMENTS)
    rendered = exposedapp(namespace, "render", "-f", "-", stdin=shown.out)
    assert rendered.code == 0, rendered.err
    namespace.kubectl(
        "apply", "--dry-run=server", "--validate=strict", "-f", "-", stdin=rendered.out
    )
