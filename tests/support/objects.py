# SPDX-License-Identifier: Apache-2.0
"""Small Kubernetes objects for the tests, as the API server sends them."""

from typing import Any

from exposedapp.api.app import ExposedAppSpec
from exposedapp.api.meta import AppRef, Json
from exposedapp.exposure.nodes import Node

APP = AppRef("shop", "web", "uid-web")
OWNER: Json = {
    "apiVersion": "exposedapp.dev/v1alpha1",
    "kind": "ExposedApp",
    "name": APP.name,
    "uid": APP.uid,
    "controller": True,
    "blockOwnerDeletion": True,
}

FOREIGN: dict[str, Json] = {
    "Deployment": {
        "strategy": {
            "type": "RollingUpdate",
            "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"},
        },
        "replicas": 5,
        "selector": {"matchLabels": {"app": "old"}},
        "template": {
            "metadata": {"labels": {"app": "old", "tier": "web"}},
            "spec": {
                "containers": [
                    {"name": "proxy", "image": "registry.example/proxy:1"},
                    {
                        "name": "server",
                        "image": "registry.example/web:1",
                        "ports": [{"containerPort": 8080, "protocol": "TCP", "name": "http"}],
                        "env": [{"name": "THEIRS", "value": "1"}],
                    },
                ]
            },
        },
    },
    "Service": {
        "type": "NodePort",
        "selector": {"app": "old"},
        "clusterIPs": ["10.96.1.1"],
        "ipFamilies": ["IPv4"],
        "sessionAffinity": "None",
        "externalTrafficPolicy": "Cluster",
        "ports": [{"port": 80, "targetPort": 8080, "protocol": "TCP", "nodePort": 31000}],
    },
}
"""Specs of children that another client created under the name of the app."""


def spec_of(**fields: Any) -> ExposedAppSpec:
    """A spec with an image and a port, and these fields; None leaves one out."""
    spec = {"image": "registry.example/web:1", "ports": [{"port": 80}], **fields}
    return ExposedAppSpec.model_validate(
        {field: value for field, value in spec.items() if value is not None}
    )


def node(
    name: str,
    *addresses: tuple[str, str],
    ready: bool = True,
    deleting: bool = False,
    labels: dict[str, str] | None = None,
    disruption_taint: str | None = None,
    kubelet_port: int | None = None,
) -> Node:
    return Node(
        name,
        ready,
        deleting,
        addresses or (("InternalIP", "10.0.0.1"),),
        tuple(sorted((labels or {}).items())),
        disruption_taint,
        kubelet_port,
    )


def node_body(name: str, address: str = "10.0.0.1", *, ready: bool = True, **meta: Any) -> Json:
    return {
        "metadata": {"name": name, "resourceVersion": "1", **meta},
        "status": {
            "conditions": [
                {"type": "MemoryPressure", "status": "False"},
                {"type": "Ready", "status": str(ready), "lastHeartbeatTime": "2026-01-01"},
            ],
            "addresses": [
                {"type": "InternalIP", "address": address},
                {"type": "Hostname", "address": name},
            ],
        },
    }


def slice_body(name: str, *endpoints: Json, service: str = APP.name) -> Json:
    return {
        "metadata": {
            "namespace": APP.namespace,
            "name": name,
            "resourceVersion": "1",
            "labels": {"kubernetes.io/service-name": service},
        },
        "endpoints": list(endpoints),
    }


def endpoint_body(pod: str, address: str = "10.1.0.1", **conditions: bool) -> Json:
    return {
        "addresses": [address],
        "conditions": conditions,
        "targetRef": {"kind": "Pod", "name": pod, "uid": f"uid-{pod}"},
    }


def pod_body(
    name: str,
    *,
    created: str = "2026-01-01T00:00:00Z",
    waiting: Json | None = None,
    last: Json | None = None,
    init: bool = False,
    restarts: int = 0,
    ready: bool = False,
    container: str = "app",
    conditions: list[Json] | None = None,
) -> Json:
    """A pod with one container, waiting when `waiting` is given, else running."""
    state: Json = {"waiting": waiting} if waiting else {"running": {}}
    status: Json = {"name": container, "state": state, "restartCount": restarts, "ready": ready}
    if last:
        status["lastState"] = {"terminated": last}
    return {
        "metadata": {"name": name, "creationTimestamp": created},
        "status": {
            "initContainerStatuses" if init else "containerStatuses": [status],
            "conditions": conditions or [],
        },
    }


def deployment_body(
    desired: int = 1,
    ready: int | None = None,
    *,
    conditions: list[Json] | None = None,
    paused: bool = False,
    **status: Any,
) -> Json:
    """A Deployment of `desired` pods; all of them are ready if `ready` is None."""
    available = desired if ready is None else ready
    counts = {"replicas": desired, "updatedReplicas": desired}
    return {
        "metadata": {"namespace": APP.namespace, "name": APP.name, "generation": 3},
        "spec": {"replicas": desired, "paused": paused},
        "status": {
            "observedGeneration": 3,
            **counts,
            "readyReplicas": available,
            "availableReplicas": available,
            "conditions": conditions or [],
            **status,
        },
    }


def service_body(*ports: Json, **spec: Any) -> Json:
    return {
        "metadata": {"name": APP.name, "namespace": APP.namespace},
        "spec": {
            "type": "NodePort",
            "clusterIPs": ["10.96.0.1"],
            "ipFamilies": ["IPv4"],
            "ports": list(ports)
            or [{"port": 80, "targetPort": 8080, "protocol": "TCP", "nodePort": 30001}],
            **spec,
        },
    }


def port(number: int, node_port: int | None = None, protocol: str = "TCP", **more: Any) -> Json:
    body = {"port": number, "targetPort": number, "protocol": protocol, **more}
    return {**body, "nodePort": node_port} if node_port else body
