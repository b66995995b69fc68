# SPDX-License-Identifier: Apache-2.0
"""Fields of a Service and a Deployment that act beyond the object, and what the status says."""

import json
from functools import partial
from typing import Any

import pytest

from e2e.support import DEMO_IMAGE, Json, Namespace, app, condition, eventually, fetch

pytestmark = pytest.mark.shares_cluster

PORTS: list[Json] = [{"port": 80, "targetPort": 8080}]
BALANCER = {"type": "LoadBalancer"}


def service_spec(namespace: Namespace, name: str) -> Json:
    spec: Json = namespace.get("service", name)["spec"]
    return spec


def has_ready(namespace: Namespace, name: str, status: str, reason: str, words: str) -> None:
    ready = namespace.ready(name)
    assert (ready["status"], ready["reason"]) == (status, reason), ready
    assert words in ready["message"]


def apply(namespace: Namespace, name: str, service: Json, **spec: Any) -> None:
    """Replaces the whole spec: fields that are left out are dropped."""
    namespace.kubectl("apply", "-f", "-", stdin=json.dumps(app(name, service=service, **spec)))


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (
            BALANCER,
            {**BALANCER, "loadBalancerClass": "example.com/lb"},
            "Kubernetes sets it only when a Service becomes a load balancer",
        ),
        (
            {**BALANCER, "externalTrafficPolicy": "Local"},
            {**BALANCER, "externalTrafficPolicy": "Local", "healthCheckNodePort": 30083},
            "Write the number that the Service has, or delete the Service",
        ),
    ],
    ids=["loadBalancerClass", "healthCheckNodePort"],
)
def test_what_a_live_load_balancer_cannot_change(
    namespace: Namespace, before: Json, after: Json, words: str
) -> None:
    """InvalidSpec with a way on, which works; tidb-operator#2586 asked for such fields."""
    apply(namespace, "balanced", before)
    node_ports = [port["nodePort"] for port in namespace.wait_ready("balanced")["status"]["ports"]]
    apply(namespace, "balanced", after)
    eventually(partial(has_ready, namespace, "balanced", "False", "InvalidSpec", words))
    namespace.kubectl("delete", "service", "balanced")
    status = namespace.wait_ready("balanced")["status"]
    spec = service_spec(namespace, "balanced")
    assert {field: spec[field] for field in after} == after
    assert [port["nodePort"] for port in status["ports"]] == node_ports


def test_a_load_balancer_without_node_ports(namespace: Namespace) -> None:
    """The node ports are given back, the URLs follow, and Ready waits for the load balancer."""
    apply(namespace, "bare", BALANCER)
    namespace.wait_ready("bare")
    apply(namespace, "bare", {**BALANCER, "allocateLoadBalancerNodePorts": False})
    words = "The load balancer has no address yet, and there are no node ports"
    eventually(partial(has_ready, namespace, "bare", "False", "Progressing", words))
    assert not any("nodePort" in port for port in service_spec(namespace, "bare")["ports"])
    status = namespace.status("bare")
    assert not {"url", "urls", "nodes"} & status.keys()
    ingress = {"status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.7"}]}}}
    patch = ["--subresource=status", "--type=merge", "-p", json.dumps(ingress)]
    namespace.kubectl("patch", "service", "bare", *patch)
    status = namespace.wait_ready("bare")["status"]
    assert status["urls"] == ["http://192.0.2.7:80"] == [status["url"]]
    apply(namespace, "bare", BALANCER)

    def has_node_urls() -> None:
        urls = namespace.status("bare")["urls"]
        assert len(urls) == 4
        assert "hello from bare" in fetch(next(url for url in urls if "192.0.2.7" not in url))

    eventually(has_node_urls)


def test_pods_get_traffic_before_they_are_ready(namespace: Namespace) -> None:
    """With publishNotReadyAddresses the URL answers, and Ready still waits for the pods."""
    never = {"exec": {"command": ["false"]}, "periodSeconds": 1}
    apply(namespace, "early", {"publishNotReadyAddresses": True}, readinessProbe=never)
    selecting = app(
        "chosen",
        image=None,
        selector={"exposedapp.dev/name": "early"},
        ports=PORTS,
        service={"publishNotReadyAddresses": True},
    )
    namespace.kubectl("apply", "-f", "-", stdin=json.dumps(selecting))

    def answers() -> None:
        for name, words in (
            ("early", "0 of 1 pods are ready"),
            ("chosen", "0 of 1 pods with exposedapp.dev/name=early are ready"),
        ):
            status = namespace.status(name)
            assert status["endpoints"] == {"ready": 1, "total": 1}
            assert status["readyReplicas"] == 0
            assert "hello from early" in fetch(status["url"])
            assert condition(status, "Ready")["status"] == "False"
            assert words in condition(status, "WorkloadAvailable")["message"]

    eventually(answers)


def test_an_external_ip(namespace: Namespace) -> None:
    """It is listed after the nodes, leads to the app, and is the way in where there is no other."""
    client = json.dumps(app("client"))
    namespace.kubectl("apply", "-f", "-", stdin=client)
    apply(namespace, "external", {"externalIPs": ["192.0.2.10"]})
    status = namespace.wait_ready("external")["status"]
    assert "http://192.0.2.10:80" in status["urls"]
    assert status["url"] != "http://192.0.2.10:80"
    namespace.wait_ready("client")
    code = "import urllib.request as r; print(r.urlopen('http://192.0.2.10', timeout=3).read())"

    def answers() -> None:
        output = namespace.kubectl("exec", "deployment/client", "--", "python3", "-c", code)
        assert "hello from external" in output

    eventually(answers)
    apply(namespace, "external", {"type": "ClusterIP", "externalIPs": ["192.0.2.10"]})

    def is_the_way_in() -> None:
        status = namespace.status("external")
        assert status["urls"] == ["http://192.0.2.10:80"] == [status["url"]]
        assert condition(status, "Ready")["status"] == "True"

    eventually(is_the_way_in)


def test_recreate_never_runs_two_pods(namespace: Namespace) -> None:
    """As a ReadWriteOnce volume needs; grafana-operator#660, kubernetes#89209."""
    apply(namespace, "single", {})
    namespace.wait_ready("single")
    recreate = {"strategy": {"type": "Recreate"}}
    apply(namespace, "single", {}, deployment=recreate, env=[{"name": "A", "value": "1"}])

    def is_recreated() -> None:
        body = namespace.get("deployment", "single")
        assert body["spec"]["strategy"] == {"type": "Recreate"}
        (container,) = body["spec"]["template"]["spec"]["containers"]
        assert container["env"] == [{"name": "A", "value": "1"}]

    eventually(is_recreated)
    namespace.wait_ready("single")
    apply(namespace, "single", {})

    def has_the_default() -> None:
        strategy = namespace.get("deployment", "single")["spec"]["strategy"]
        assert strategy["rollingUpdate"] == {"maxSurge": "25%", "maxUnavailable": "25%"}

    eventually(has_the_default)


def test_rollout_restart(namespace: Namespace) -> None:
    """New pods come, and the operator leaves it at that."""
    namespace.apply(app("restarted"))
    namespace.wait_ready("restarted")

    def pods() -> set[str]:
        return {name for names in namespace.pods_by_node("restarted").values() for name in names}

    before = pods()
    namespace.kubectl("rollout", "restart", "deployment/restarted")
    namespace.kubectl("rollout", "status", "deployment/restarted", "--timeout=90s")
    assert not before & pods()
    namespace.apply(app("restarted", deployment={"revisionHistoryLimit": 3}))

    def is_applied() -> None:
        spec = namespace.get("deployment", "restarted")["spec"]
        assert spec["revisionHistoryLimit"] == 3
        annotations = spec["template"]["metadata"]["annotations"]
        assert "kubectl.kubernetes.io/restartedAt" in annotations

    after = pods()
    eventually(is_applied)
    namespace.wait_ready("restarted")
    assert pods() == after


def test_cpu_as_a_number(namespace: Namespace) -> None:
    """`cpu: 0.5` without quotes, as a Deployment takes it; cloudnative-pg#1572."""
    requests = {"cpu": 0.25, "memory": "32Mi"}
    body = app("half", image=DEMO_IMAGE, resources={"requests": requests})
    namespace.kubectl("apply", "-f", "-", stdin=json.dumps(body))
    namespace.wait_ready("half")
    template = namespace.get("deployment", "half")["spec"]["template"]
    (container,) = template["spec"]["containers"]
    assert container["resources"]["requests"] == {"cpu": "250m", "memory": "32Mi"}
