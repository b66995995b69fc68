"""Wrong input is refused with the field's name, or reported in a condition; never ignored."""

import json
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from pytest_kind import KindCluster

from e2e.conftest import Operator, namespace_of
from e2e.support import Json, Namespace, Refused, app, eventually, kstatus

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
        "must be a number from 1 to 65535",
    ),
    "targetPort that is no name": (
        {"ports": [{"port": 80, "targetPort": "Not a name"}]},
        "must be a number from 1 to 65535",
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
    "ports left out": ({"ports": None}, "ports is missing: write at least one"),
    "neither image nor selector": ({"image": None}, "write exactly one of image"),
    "image and selector": ({"selector": {"app": "db"}}, "write exactly one of image"),
    "empty selector": ({"image": None, "selector": {}}, "spec.selector"),
    "selector with a key that is no label": (
        {"image": None, "selector": {"not a key": "x"}},
        "selector has a key that no label can have",
    ),
    "selector with a value that is no label": (
        {"image": None, "selector": {"app": "not a value"}},
        "spec.selector.app",
    ),
    "selector with a container's field": (
        {"image": None, "selector": {"app": "db"}, "args": ["x"]},
        "are for the pods that image runs: remove them, or write image",
    ),
    "selector with a podTemplate": (
        {"image": None, "selector": {"app": "db"}, "podTemplate": {"spec": {}}},
        "are for the pods that image runs: remove them, or write image",
    ),
    "externalName with image": (
        {"service": {"type": "ExternalName", "externalName": "example.com"}},
        "write exactly one of image",
    ),
    "externalName without its type": (
        {"image": None, "service": {"externalName": "example.com"}},
        "service.externalName and service.type ExternalName go together",
    ),
    "ExternalName without externalName": (
        {"service": {"type": "ExternalName"}},
        "service.externalName and service.type ExternalName go together",
    ),
    "externalName that is no DNS name": (
        {"image": None, "service": {"type": "ExternalName", "externalName": "http://example.com"}},
        "spec.service.externalName",
    ),
    "ExternalName with a traffic policy": (
        {
            "image": None,
            "service": {
                "type": "ExternalName",
                "externalName": "example.com",
                "internalTrafficPolicy": "Local",
            },
        },
        "with service.type ExternalName no traffic passes the cluster",
    ),
    "nodePort with ClusterIP": (
        {"ports": [{"port": 80, "nodePort": 30033}], "service": {"type": "ClusterIP"}},
        "ports[].nodePort needs service.type NodePort or LoadBalancer",
    ),
    "externalTrafficPolicy with ClusterIP": (
        {"service": {"type": "ClusterIP", "externalTrafficPolicy": "Local"}},
        "service.externalTrafficPolicy needs service.type NodePort or LoadBalancer",
    ),
    "an IP family twice": (
        {"service": {"ipFamilies": ["IPv4", "IPv4"]}},
        "ipFamilies names a family twice",
    ),
    "unknown session affinity": (
        {"service": {"sessionAffinity": "Cookie"}},
        "spec.service.sessionAffinity",
    ),
    "label of the Service that is none": (
        {"service": {"labels": {"a/b/c": "d"}}},
        "labels has a key that no label can have",
    ),
    "scheme that is none": ({"ports": [{"port": 80, "scheme": "not a scheme"}]}, ".scheme"),
    "path without its slash": ({"ports": [{"port": 80, "path": "login"}]}, "spec.ports[0].path"),
    "annotation of the Service that is none": (
        {"service": {"annotations": {"not ok": "x"}}},
        "annotations has a key that no label can have",
    ),
    "two IP families on a single stack": (
        {"service": {"ipFamilies": ["IPv4", "IPv6"]}},
        "two service.ipFamilies need service.ipFamilyPolicy",
    ),
    "one nodePort for two ports": (
        {
            "ports": [
                {"name": "a", "port": 80, "nodePort": 30034},
                {"name": "b", "port": 81, "nodePort": 30034, "protocol": "UDP"},
            ]
        },
        "two of ports[] have the same nodePort for different ports",
    ),
    "readiness probe that ends containers": (
        {"readinessProbe": {"tcpSocket": {"port": 1}, "terminationGracePeriodSeconds": 5}},
        "a readinessProbe ends no container",
    ),
    "liveness probe that must succeed twice": (
        {"livenessProbe": {"tcpSocket": {"port": 1}, "successThreshold": 2}},
        "livenessProbe.successThreshold can be 1 only",
    ),
    "probe of a port that none can be": (
        {"readinessProbe": {"tcpSocket": {"port": 70000}}},
        "must be a number from 1 to 65535",
    ),
    "probe with a number too large": (
        {"readinessProbe": {"tcpSocket": {"port": 1}, "periodSeconds": 2**31}},
        "spec.readinessProbe.periodSeconds",
    ),
    "probe without a command": (
        {"readinessProbe": {"exec": {"command": []}}},
        "spec.readinessProbe.exec.command",
    ),
    "ConfigMap name that is none": (
        {"envFrom": [{"configMapRef": {"name": "A B"}}]},
        "spec.envFrom[0].configMapRef.name",
    ),
    "env name that is none": ({"env": [{"name": "a=b", "value": "c"}]}, "spec.env[0].name"),
    "negative quantity": ({"resources": {"limits": {"cpu": "-1"}}}, "spec.resources.limits.cpu"),
    "an address type twice": (
        {"nodes": {"addressTypes": ["InternalIP", "InternalIP"]}},
        "addressTypes names a type twice",
    ),
    "a host with a port": ({"nodes": {"host": "a.example:80"}}, "spec.nodes.host"),
    "no nodes at all": ({"nodes": {"limit": 0}}, "spec.nodes.limit"),
    "probing without a pause": ({"probe": {"periodSeconds": 0}}, "spec.probe.periodSeconds"),
    "unknown part of the podTemplate": (
        {"podTemplate": {"template": {}}},
        'unknown field "spec.podTemplate.template"',
    ),
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


def of_pod(**spec: Any) -> Json:
    return {"podTemplate": {"spec": spec}}


REPORTED: dict[str, tuple[Json, str, str]] = {
    "podTemplate with an unknown field": (
        of_pod(containers=[{"name": "app", "imagePolicy": "Always"}]),
        "InvalidSpec",
        'containers[name="app"].imagePolicy: field not declared in schema',
    ),
    "podTemplate with a field of a wrong kind": (
        of_pod(volumes="none"),
        "InvalidSpec",
        ".spec.template.spec.volumes: expected list",
    ),
    "podTemplate that mounts what is not there": (
        of_pod(containers=[{"name": "app", "volumeMounts": [{"name": "v", "mountPath": "/v"}]}]),
        "InvalidSpec",
        'volumeMounts[0].name: Not found: "v"',
    ),
    "podTemplate that takes the container away": (
        of_pod(containers=[{"name": "app", "$patch": "delete"}]),
        "InvalidSpec",
        "spec.template.spec.containers: Required value",
    ),
    "podTemplate with a directive that is not known": (
        of_pod(containers=[{"name": "app", "$retainKeys": ["image"]}]),
        "InvalidSpec",
        "spec.podTemplate.spec.containers[0].$retainKeys: only $patch is supported",
    ),
    "service account that does not exist": (
        of_pod(serviceAccountName="nobody"),
        "FailedCreate",
        'serviceaccount "nobody" not found',
    ),
    "label for the Service's IP family that the cluster has not": (
        {"service": {"ipFamilies": ["IPv6"]}},
        "InvalidSpec",
        "spec.ipFamilies",
    ),
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


@pytest.mark.parametrize(("spec", "reason", "words"), REPORTED.values(), ids=REPORTED.keys())
def test_reported_in_ready_and_healed(
    namespace: Namespace, spec: Json, reason: str, words: str
) -> None:
    namespace.apply(app("wrong", **spec))

    def is_reported() -> None:
        ready = namespace.ready("wrong")
        assert (ready["status"], ready["reason"]) == ("False", reason), ready
        assert words in ready["message"], ready

    eventually(is_reported, deadline=45)
    body = namespace.get("xapp", "wrong")
    kinds = {condition["type"] for condition in body["status"]["conditions"]}
    assert ("Stalled" in kinds) == (reason == "InvalidSpec")
    assert ("Reconciling" in kinds) == (reason != "InvalidSpec")
    assert kstatus(body) == ("Failed" if reason == "InvalidSpec" else "InProgress")

    namespace.apply(app("wrong"))
    assert kstatus(namespace.wait_ready("wrong")) == "Current"


def test_two_apps_want_one_node_port(namespace: Namespace) -> None:
    ports: list[dict[str, Any]] = [{"port": 80, "targetPort": 8080, "nodePort": 30077}]
    namespace.apply(app("first", ports=ports))
    namespace.wait_ready("first")
    namespace.apply(app("second", ports=ports))

    def is_reported() -> None:
        ready = namespace.ready("second")
        assert ready["reason"] == "NodePortConflict", ready
        assert "Node port 30077 belongs to Service first." in ready["message"]

    eventually(is_reported)
    namespace.kubectl("delete", "xapp", "first")
    namespace.wait_ready("second")


def test_log_shows_no_traceback(operator: Operator) -> None:
    log = operator.logs()
    assert "Traceback" not in log
    assert "unexpected error" not in log


def test_every_character_reaches_the_pods(namespace: Namespace) -> None:
    """YAML, in which apply speaks, takes neither surrogate pairs nor every character as it is."""
    odd = "\U0001f680 \x7f \x85 \u2028 \ufeff \\u0041 \"'"
    namespace.apply(app("odd", replicas=0, env=[{"name": "ODD", "value": odd}]))
    namespace.wait_ready("odd")
    template = namespace.get("deployment", "odd")["spec"]["template"]
    assert template["spec"]["containers"][0]["env"] == [{"name": "ODD", "value": odd}]


def test_what_json_libraries_refuse_stops_no_other_app(
    namespace: Namespace, other_namespace: Namespace
) -> None:
    """The API server takes ten thousand levels and integers of any size; few libraries do.

    Two tenants have one of the two each, and a third object has both.
    """
    huge, deep, both = (of_pod(deep="DEEP", number=10**20) for _ in range(3))
    create_deep(namespace, "both", levels=9_000, **both)
    create_deep(namespace, "deep", levels=1_100, **deep)
    create_deep(other_namespace, "huge", levels=1, **huge)

    for tenant, name in ((namespace, "both"), (namespace, "deep"), (other_namespace, "huge")):
        eventually(partial(is_invalid, tenant, name))
    assert "nested deeper than 254 levels" in message_of(namespace, "both")
    for bystander in (namespace, other_namespace):
        bystander.apply(app("bystander"))
        bystander.wait_ready("bystander")
        bystander.kubectl("delete", "xapp", "--all")


def create_deep(namespace: Namespace, name: str, levels: int, **spec: Any) -> None:
    body = json.dumps(app(name, **spec))
    body = body.replace('"DEEP"', '{"a": ' * levels + "{}" + "}" * levels)
    path = f"/apis/exposedapp.dev/v1alpha1/namespaces/{namespace.name}/exposedapps"
    namespace.kubectl("create", "--raw", path, "-f", "-", stdin=body)


def message_of(namespace: Namespace, name: str) -> str:
    """The condition Ready as text: the whole object is too deep to be parsed here."""
    return namespace.kubectl("get", "xapp", name, "-o", f"jsonpath={READY}")


def is_invalid(namespace: Namespace, name: str) -> None:
    assert "InvalidSpec" in message_of(namespace, name)


@pytest.fixture
def other_namespace(cluster: KindCluster) -> Iterator[Namespace]:
    """Another tenant's."""
    with namespace_of(cluster) as created:
        yield created


READY = '{.status.conditions[?(@.type=="Ready")]}'
