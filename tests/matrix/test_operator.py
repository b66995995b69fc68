# SPDX-License-Identifier: Apache-2.0
"""The operator's main flow on every version: the operator itself, and an API server.

There are no controllers and no nodes: the test writes what those would.
"""

import json
from functools import partial

import pytest

from e2e.support import Json, Namespace, app, condition, eventually
from exposedapp.api.meta import HASH_ANNOTATION
from exposedapp.kube.client import KubeClient
from exposedapp.kube.errors import ApiError
from matrix.api_server import ApiServer
from matrix.conftest import Operator

CHILDREN = ("deployment", "service")
FREE_PORT = 30075
"""In no other test: the API server of a version is shared, and its Services stay. Nothing else has
it, because ports up to 30085 are allocated last (KEP-3668)."""


@pytest.fixture
def started(operator: Operator, namespace: Namespace) -> Namespace:
    """A namespace with an app whose children are created."""
    namespace.apply(app("web"))
    eventually(partial(is_reconciled, namespace))
    return namespace


def is_reconciled(namespace: Namespace, name: str = "web") -> None:
    body = namespace.get("xapp", name)
    assert body["status"]["observedGeneration"] == body["metadata"]["generation"]


def hashes(namespace: Namespace) -> list[str]:
    bodies = [namespace.get(kind, "web") for kind in CHILDREN]
    return [body["metadata"]["annotations"][HASH_ANNOTATION] for body in bodies]


def has_ready(namespace: Namespace, reason: str, words: str = "") -> None:
    ready = namespace.ready("web")
    assert ready["reason"] == reason, ready
    assert words in ready["message"], ready


def has_event(namespace: Namespace, reason: str) -> None:
    reasons = namespace.kubectl("get", "events", "--output=jsonpath={.items[*].reason}")
    assert reason in reasons.split()


def patch(namespace: Namespace, target: str, body: Json, *flags: str) -> None:
    namespace.kubectl("patch", *target.split(), "--type=merge", "-p", json.dumps(body), *flags)


def test_create(started: Namespace) -> None:
    uid = started.get("xapp", "web")["metadata"]["uid"]
    for kind in CHILDREN:
        (owner,) = started.get(kind, "web")["metadata"]["ownerReferences"]
        assert (owner["kind"], owner["name"], owner["uid"]) == ("ExposedApp", "web", uid)
    assert all(hashes(started))
    node_port = started.get("service", "web")["spec"]["ports"][0]["nodePort"]
    assert started.status("web")["ports"][0]["nodePort"] == node_port
    has_ready(started, "NoEligibleNode")
    eventually(partial(has_event, started, "Created"))


def test_ready_once_a_node_and_an_endpoint_are(started: Namespace) -> None:
    node = {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": started.name, "labels": {"test": started.name}},
    }
    # The controller of slices copies the labels of the Service.
    labels = {"kubernetes.io/service-name": "web", "exposedapp.dev/name": "web"}
    slice_of_web = {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": "web-1", "labels": labels},
        "addressType": "IPv4",
        "endpoints": [{"addresses": ["10.1.0.1"], "conditions": {"ready": True}}],
        "ports": [{"name": "", "port": 8080, "protocol": "TCP"}],
    }
    started.apply(node, slice_of_web, app("web", nodes={"selector": {"test": started.name}}))
    addresses = [{"type": "InternalIP", "address": "192.0.2.1"}]
    conditions = [{"type": "Ready", "status": "True"}]
    node_status = {"status": {"addresses": addresses, "conditions": conditions}}
    patch(started, f"node {started.name}", node_status, "--subresource=status")
    generation = started.get("deployment", "web")["metadata"]["generation"]
    counts = dict.fromkeys(("replicas", "updatedReplicas", "readyReplicas", "availableReplicas"), 1)
    rollout = {"status": {"observedGeneration": generation, **counts}}
    patch(started, "deployment web", rollout, "--subresource=status")

    eventually(partial(has_ready, started, "Available"))
    status = started.status("web")
    assert status["url"] == f"http://192.0.2.1:{status['ports'][0]['nodePort']}"
    assert status["endpoints"] == {"ready": 1, "total": 1}
    assert condition(status, "Ready")["status"] == "True"


def test_change(started: Namespace) -> None:
    before = hashes(started)
    started.apply(app("web", image="example.com/web:2", service={"sessionAffinity": "ClientIP"}))
    eventually(partial(is_reconciled, started))
    (container,) = started.get("deployment", "web")["spec"]["template"]["spec"]["containers"]
    assert container["image"] == "example.com/web:2"
    assert started.get("service", "web")["spec"]["sessionAffinity"] == "ClientIP"
    assert all(old != new for old, new in zip(before, hashes(started), strict=True))


def test_a_dropped_field_is_removed(started: Namespace) -> None:
    started.apply(app("web", args=["--verbose"]))
    eventually(partial(is_reconciled, started))
    started.apply(app("web"))
    eventually(partial(is_reconciled, started))
    (container,) = started.get("deployment", "web")["spec"]["template"]["spec"]["containers"]
    assert "args" not in container


def test_recreate_and_back(started: Namespace) -> None:
    """rollingUpdate, a default that apply does not own, has to go and to come back."""
    started.apply(app("web", deployment={"strategy": {"type": "Recreate"}}))

    def has_strategy(kind: str) -> None:
        strategy = started.get("deployment", "web")["spec"]["strategy"]
        assert strategy["type"] == kind, started.ready("web")
        assert ("rollingUpdate" in strategy) == (kind == "RollingUpdate")

    eventually(partial(has_strategy, "Recreate"))
    started.apply(app("web"))
    eventually(partial(has_strategy, "RollingUpdate"))


def test_a_load_balancer_gives_its_node_ports_back(operator: Operator, started: Namespace) -> None:
    """The API server keeps what it has allocated until it is taken out of the ports."""
    operator.api_server.require("1.30", "node ports that are given back")
    alone = {"type": "LoadBalancer", "allocateLoadBalancerNodePorts": False}

    def has_node_ports(expected: bool) -> None:
        ports = started.get("service", "web")["spec"]["ports"]
        assert any("nodePort" in port for port in ports) is expected, started.ready("web")

    started.apply(app("web", service={"type": "LoadBalancer"}))
    eventually(partial(is_reconciled, started))
    has_node_ports(True)
    started.apply(app("web", service=alone))
    eventually(partial(has_node_ports, False))
    started.apply(app("web", service={"type": "LoadBalancer"}))
    eventually(partial(has_node_ports, True))


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ({}, {"loadBalancerClass": "example.com/lb"}, "delete the Service, and the operator"),
        ({"loadBalancerClass": "example.com/lb"}, {}, "delete the Service, and the operator"),
        (
            {"externalTrafficPolicy": "Local"},
            {"externalTrafficPolicy": "Local", "healthCheckNodePort": 30075},
            "Write the number that the Service has",
        ),
    ],
    ids=["class", "no class", "health check port"],
)
def test_what_a_live_load_balancer_cannot_change(
    started: Namespace, before: Json, after: Json, words: str
) -> None:
    """InvalidSpec with a way on; a Service that is created again has the value."""
    for fields in (before, after):
        started.apply(app("web", service={"type": "LoadBalancer", **fields}))
        eventually(partial(is_reconciled, started))
    eventually(partial(has_ready, started, "InvalidSpec", words))
    started.kubectl("delete", "service/web")

    def is_created_again() -> None:
        spec = started.get("service", "web")["spec"]
        assert after.items() <= spec.items()
        assert ("loadBalancerClass" in spec) == ("loadBalancerClass" in after)

    eventually(is_created_again)


def test_a_field_that_an_api_server_does_not_know(
    started: Namespace, api_server: ApiServer
) -> None:
    """1.29 has no trafficDistribution, 1.30 ignores it; from 1.31 on it is set."""
    started.apply(app("web", service={"trafficDistribution": "PreferClose"}))

    def is_as_the_version_has_it() -> None:
        is_reconciled(started)
        is_set = "trafficDistribution" in started.get("service", "web")["spec"]
        assert is_set == (api_server.minor not in ("1.29", "1.30"))
        if api_server.minor == "1.29":
            has_ready(started, "InvalidSpec", "this cluster does not know the field")
        else:
            assert started.ready("web")["reason"] != "InvalidSpec"

    eventually(is_as_the_version_has_it)
    started.apply(app("web"))

    def is_dropped() -> None:
        assert "trafficDistribution" not in started.get("service", "web")["spec"]
        assert started.ready("web")["reason"] != "InvalidSpec"

    eventually(is_dropped)


def test_conflict(started: Namespace) -> None:
    """What another client changes is changed back."""
    started.kubectl("scale", "deployment/web", "--replicas=5")
    started.kubectl("set", "image", "deployment/web", "app=example.com/other:1")
    patch(started, "service web", {"spec": {"selector": {"version": "two"}}})

    def is_reverted() -> None:
        spec = started.get("deployment", "web")["spec"]
        assert spec["replicas"] == 1
        assert spec["template"]["spec"]["containers"][0]["image"] != "example.com/other:1"
        selector = started.get("service", "web")["spec"]["selector"]
        assert selector == {"exposedapp.dev/name": "web"}

    eventually(is_reverted)


def test_adopt(operator: Operator, namespace: Namespace) -> None:
    namespace.kubectl("create", "deployment", "web", "--image=example.com/old:1")
    namespace.apply(app("web"))
    eventually(partial(has_ready, namespace, "NotOwned", "kubectl annotate deployment web"))
    namespace.kubectl("annotate", "deployment/web", "exposedapp.dev/adopt=true")

    def is_adopted() -> None:
        body = namespace.get("deployment", "web")
        (owner,) = body["metadata"]["ownerReferences"]
        assert (owner["kind"], owner["name"]) == ("ExposedApp", "web")
        assert body["spec"]["selector"]["matchLabels"] == {"app": "web"}

    eventually(is_adopted)


def test_delete(started: Namespace) -> None:
    """The children have the owner reference that the garbage collector goes by, and are theirs."""
    started.kubectl("delete", "xapp/web")
    started.apply(app("web"))
    eventually(partial(has_ready, started, "Progressing", "earlier app of this name"))
    # The garbage collector's part.
    started.kubectl("delete", *(f"{kind}/web" for kind in CHILDREN))
    uid = started.get("xapp", "web")["metadata"]["uid"]

    def is_created_again() -> None:
        for kind in CHILDREN:
            (owner,) = started.get(kind, "web")["metadata"]["ownerReferences"]
            assert owner["uid"] == uid

    eventually(is_created_again)


async def test_create_only_if_absent(started: Namespace, client: KubeClient) -> None:
    """An apply with a resourceVersion that no object has creates an object, and changes none."""
    live = await client.get("Service", started.name, "web")
    assert live is not None
    body = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"namespace": started.name, "name": "other"},
        "spec": {"ports": [{"port": 80}]},
    }
    assert (await client.create(body))["spec"]["ports"][0]["port"] == 80
    body["metadata"] = {"namespace": started.name, "name": "web"}
    with pytest.raises(ApiError) as refusal:
        await client.create(body)
    assert refusal.value.status == 409
    assert await client.get("Service", started.name, "web") == live
