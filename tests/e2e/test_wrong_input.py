# SPDX-License-Identifier: Apache-2.0
"""Wrong input is refused with the field's name, or reported in a condition; never ignored."""

import json
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from pytest_kind import KindCluster

from e2e.conftest import Operator, namespace_of
from e2e.support import Json, Namespace, Refused, app, eventually, kstatus
from support.refused_specs import REFUSED_NAMES, REFUSED_SPECS

pytestmark = pytest.mark.shares_cluster


@pytest.mark.parametrize(("spec", "words"), REFUSED_SPECS.values(), ids=REFUSED_SPECS.keys())
def test_refused_by_the_api_server(namespace: Namespace, spec: Json, words: str) -> None:
    with pytest.raises(Refused) as refusal:
        namespace.apply(app("wrong", **spec))
    assert words in str(refusal.value)


@pytest.mark.parametrize("name", REFUSED_NAMES)
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
    "healthCheckNodePort outside the cluster's range": (
        {
            "service": {
                "type": "LoadBalancer",
                "externalTrafficPolicy": "Local",
                "healthCheckNodePort": 80,
            }
        },
        "InvalidSpec",
        "provided port is not in the valid range",
    ),
    "source range that is none": (
        {"service": {"type": "LoadBalancer", "loadBalancerSourceRanges": ["1.2.3.4/40"]}},
        "InvalidSpec",
        "LoadBalancerSourceRanges",
    ),
    "external IP of the machine itself": (
        {"service": {"externalIPs": ["127.0.0.1"]}},
        "InvalidSpec",
        "spec.externalIPs[0]",
    ),
    "more than all pods unavailable": (
        {"deployment": {"strategy": {"rollingUpdate": {"maxUnavailable": "101%"}}}},
        "InvalidSpec",
        "spec.strategy.rollingUpdate.maxUnavailable",
    ),
    "quantity that is true": (
        {"resources": {"requests": {"cpu": True}}},
        "InvalidSpec",
        "spec.resources.requests.cpu: must be a number, or a text such as 500m or 64Mi",
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
        "InvalidSpec",
        "readinessProbe.httpGet.port: container app has no port named 'nowhere'",
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
