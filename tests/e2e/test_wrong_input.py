"""Wrong input is refused with the field's name, or told in a condition. Never silence."""

from typing import Any

import pytest

from e2e.conftest import Operator
from e2e.support import Json, Namespace, Refused, app, eventually

REFUSED: dict[str, tuple[Json, str]] = {
    "unknown field": ({"replica": 2}, 'unknown field "spec.replica"'),
    "unknown field in a port": (
        {"ports": [{"port": 80, "nodeport": 30080}]},
        'unknown field "spec.ports[0].nodeport"',
    ),
    "port over 65535": ({"ports": [{"port": 70000}]}, "spec.ports[0].port"),
    "nodePort over 65535": ({"ports": [{"port": 80, "nodePort": 70000}]}, "spec.ports[0].nodePort"),
    "targetPort over 65535": (
        {"ports": [{"port": 80, "targetPort": 70000}]},
        "targetPort must be a number from 1 to 65535",
    ),
    "targetPort that is no name": (
        {"ports": [{"port": 80, "targetPort": "Not a name"}]},
        "targetPort must be a number from 1 to 65535",
    ),
    "two ports with one name": (
        {"ports": [{"name": "web", "port": 80}, {"name": "web", "port": 81}]},
        "two of ports[] have the same name",
    ),
    "two ports, one without a name": (
        {"ports": [{"name": "web", "port": 80}, {"port": 81}]},
        "give each of ports[] a name",
    ),
    "one port twice": (
        {"ports": [{"name": "a", "port": 80}, {"name": "b", "port": 80}]},
        "spec.ports[1]: Duplicate value",
    ),
    "one nodePort twice": (
        {
            "ports": [
                {"name": "a", "port": 80, "nodePort": 30080},
                {"name": "b", "port": 81, "nodePort": 30080},
            ]
        },
        "two of ports[] have the same nodePort and protocol",
    ),
    "no ports": ({"ports": []}, "spec.ports"),
    "empty image": ({"image": ""}, "spec.image"),
    "negative replicas": ({"replicas": -1}, "spec.replicas"),
    "unknown protocol": ({"ports": [{"port": 80, "protocol": "HTTP"}]}, "spec.ports[0].protocol"),
    "unknown service type": ({"service": {"type": "Nodeport"}}, "spec.service.type"),
    "quantity that is none": (
        {"resources": {"limits": {"memory": "1 GB"}}},
        "spec.resources.limits.memory",
    ),
    "env with a value and a source": (
        {
            "env": [
                {
                    "name": "A",
                    "value": "x",
                    "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}},
                }
            ]
        },
        "a value or a valueFrom, not both",
    ),
    "probe without a way to ask": (
        {"readinessProbe": {"periodSeconds": 1}},
        "a probe needs exactly one of httpGet, tcpSocket, grpc and exec",
    ),
    "probe with two ways to ask": (
        {"livenessProbe": {"tcpSocket": {"port": 1}, "exec": {"command": ["true"]}}},
        "a probe needs exactly one of httpGet, tcpSocket, grpc and exec",
    ),
    "unknown field in a probe": (
        {"readinessProbe": {"httpGet": {"port": 8080, "uri": "/"}}},
        'unknown field "spec.readinessProbe.httpGet.uri"',
    ),
    "envFrom of nothing": (
        {"envFrom": [{"prefix": "A_"}]},
        "an item of envFrom needs exactly one of configMapRef and secretRef",
    ),
    "env without a source in valueFrom": (
        {"env": [{"name": "A", "valueFrom": {}}]},
        "valueFrom needs exactly one of",
    ),
    "env twice": (
        {"env": [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]},
        "spec.env[1]: Duplicate value",
    ),
}


@pytest.mark.parametrize(("spec", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_refused_by_the_api_server(namespace: Namespace, spec: Json, words: str) -> None:
    with pytest.raises(Refused) as refusal:
        namespace.apply(app("wrong", **spec))
    assert words in str(refusal.value)


@pytest.mark.parametrize("name", ["1web", "web.example", "w" * 64])
def test_a_name_that_no_service_can_have(namespace: Namespace, name: str) -> None:
    with pytest.raises(Refused, match=r"metadata\.name becomes the name of a Service"):
        namespace.apply(app(name))


TOLD: dict[str, tuple[Json, str, str]] = {
    "nodePort outside the cluster's range": (
        {"ports": [{"port": 80, "targetPort": 8080, "nodePort": 80}]},
        "InvalidSpec",
        "nodePort: Invalid value: 80: provided port is not in the valid range",
    ),
    "targetPort that names no container port": (
        {"ports": [{"port": 80, "targetPort": "web"}]},
        "InvalidSpec",
        "spec.ports[0].targetPort: no container port is named 'web'",
    ),
    "request over its limit": (
        {"resources": {"requests": {"cpu": "2"}, "limits": {"cpu": "1"}}},
        "InvalidSpec",
        "must be less than or equal to cpu limit",
    ),
    "image that does not exist": (
        {"image": "exposedapp/no-such-image:dev"},
        "ImagePullBackOff",
        "exposedapp/no-such-image:dev",
    ),
    "image that is no reference": (
        {"image": "No Image"},
        "ImagePullBackOff",
        "No Image",
    ),
    "missing ConfigMap": (
        {"env": [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "nowhere", "key": "a"}}}]},
        "CreateContainerConfigError",
        'configmap "nowhere" not found',
    ),
    "missing ConfigMap in envFrom": (
        {"envFrom": [{"configMapRef": {"name": "nowhere"}}]},
        "CreateContainerConfigError",
        'configmap "nowhere" not found',
    ),
    "command that does not exist": (
        {"command": ["/no/such/program"]},
        "CrashLoopBackOff",
        "/no/such/program",
    ),
    "command that ends": (
        {"command": ["python3", "-c", "raise SystemExit(3)"]},
        "CrashLoopBackOff",
        "exit code 3",
    ),
    "probe of a port that no container has": (
        {"readinessProbe": {"httpGet": {"port": "nowhere"}}},
        "Progressing",
        "0 of 1 pods are ready",
    ),
    "more CPU than any node has": (
        {"resources": {"requests": {"cpu": "1000"}}},
        "Unschedulable",
        "Insufficient cpu",
    ),
}


@pytest.mark.parametrize(("spec", "reason", "words"), TOLD.values(), ids=TOLD.keys())
def test_told_in_ready_and_healed(
    namespace: Namespace, spec: Json, reason: str, words: str
) -> None:
    namespace.apply(app("wrong", **spec))

    def told() -> None:
        ready = namespace.ready("wrong")
        assert (ready["status"], ready["reason"]) == ("False", reason), ready
        assert words in ready["message"], ready

    eventually(told, deadline=45)
    kinds = {it["type"] for it in namespace.status("wrong")["conditions"]}
    assert ("Stalled" in kinds) == (reason == "InvalidSpec")
    assert ("Reconciling" in kinds) == (reason != "InvalidSpec")

    namespace.apply(app("wrong"))
    namespace.wait_ready("wrong")


def test_two_apps_want_one_node_port(namespace: Namespace) -> None:
    ports: list[dict[str, Any]] = [{"port": 80, "targetPort": 8080, "nodePort": 30077}]
    namespace.apply(app("first", ports=ports))
    namespace.wait_ready("first")
    namespace.apply(app("second", ports=ports))

    def told() -> None:
        ready = namespace.ready("second")
        assert ready["reason"] == "NodePortConflict", ready
        holder = f"Node port 30077 belongs to Service {namespace.name}/first"
        assert holder in ready["message"]

    eventually(told)
    namespace.kubectl("delete", "xapp", "first")
    namespace.wait_ready("second")


def test_log_shows_no_traceback(operator: Operator) -> None:
    log = operator.logs()
    assert "Traceback" not in log
    assert "unexpected error" not in log
