# SPDX-License-Identifier: Apache-2.0
"""A user applies one resource and gets a running app and addresses that answer."""

import json
from functools import partial
from typing import Any

import pytest
import yaml

from e2e.support import EXAMPLES, Namespace, app, condition, eventually, fetch

pytestmark = pytest.mark.shares_cluster


def node_addresses(namespace: Namespace) -> dict[str, str]:
    nodes = json.loads(namespace.kubectl("get", "nodes", "-o", "json"))["items"]
    return {
        node["metadata"]["name"]: next(
            address["address"]
            for address in node["status"]["addresses"]
            if address["type"] == "InternalIP"
        )
        for node in nodes
    }


def test_every_node_answers(namespace: Namespace) -> None:
    example = yaml.safe_load((EXAMPLES / "hello.yaml").read_text())
    namespace.apply(example)
    status = namespace.wait_ready("hello")["status"]

    nodes = node_addresses(namespace)
    port = status["ports"][0]["nodePort"]
    assert len(nodes) == 3
    assert status["urls"] == sorted(f"http://{address}:{port}" for address in nodes.values())
    assert status["url"] in status["urls"]
    assert status["nodes"] == {"eligible": 3, "listed": 3}
    pods = json.loads(namespace.kubectl("get", "pods", "-o", "json"))["items"]
    names = {pod["metadata"]["name"]: pod["spec"]["nodeName"] for pod in pods}
    fetch(status["url"])  # at once: Ready says that it has answered
    for url in status["urls"]:
        answer = eventually(partial(fetch, url))  # another node may be a moment behind
        assert any(pod in answer and node in answer for pod, node in names.items()), answer


def test_status_tells_every_way_in(namespace: Namespace) -> None:
    namespace.apply(app("web", replicas=2))
    body = namespace.wait_ready("web")
    status = body["status"]
    service = namespace.get("service", "web")

    assert status["observedGeneration"] == body["metadata"]["generation"]
    assert status["ports"] == [
        {
            "port": 80,
            "targetPort": 8080,
            "nodePort": service["spec"]["ports"][0]["nodePort"],
            "protocol": "TCP",
        }
    ]
    assert 30000 <= status["ports"][0]["nodePort"] <= 32767
    assert status["clusterIPs"] == service["spec"]["clusterIPs"]
    assert status["clusterURL"] == f"http://web.{namespace.name}.svc:80"
    assert status["proxyPath"] == f"/api/v1/namespaces/{namespace.name}/services/web:80/proxy/"
    assert status["selector"] == "exposedapp.dev/name=web"
    assert {condition["type"]: condition["status"] for condition in status["conditions"]} == {
        "Ready": "True",
        "WorkloadAvailable": "True",
        "ServiceReady": "True",
        "Reachable": "True",
    }
    eventually(lambda: _counts_are(namespace, "web", 2))

    pods = namespace.kubectl("get", "pods", "-l", status["selector"], "-o", "name").split()
    assert len(pods) == 2
    inside = (
        "import sys, urllib.request as r; "
        "[print(r.urlopen(u, timeout=5).read().decode()) for u in sys.argv[1:]]"
    )
    urls = [status["clusterURL"], f"http://{status['clusterIPs'][0]}:80"]

    # A container without a readiness probe counts as ready before its program listens.
    def answers() -> None:
        assert "hello from web-" in namespace.kubectl("get", "--raw", status["proxyPath"])
        output = namespace.kubectl("exec", pods[0], "--", "python3", "-c", inside, *urls)
        assert output.count("hello from web-") == 2

    eventually(answers)


def _counts_are(namespace: Namespace, name: str, count: int) -> None:
    status = namespace.status(name)
    assert (status["replicas"], status["readyReplicas"]) == (count, count)
    assert status["endpoints"] == {"ready": count, "total": count}


def test_ready_waits_for_pods_and_endpoints(namespace: Namespace) -> None:
    """`kubectl wait` returns only when every pod is ready and gets traffic."""
    namespace.apply(app("late", replicas=3))
    status = namespace.wait_ready("late")["status"]
    deployment = namespace.get("deployment", "late")["status"]
    slices = json.loads(
        namespace.kubectl(
            "get", "endpointslices", "-l", "kubernetes.io/service-name=late", "-o", "json"
        )
    )["items"]
    ready = [item for part in slices for item in part["endpoints"] if item["conditions"]["ready"]]
    assert deployment["availableReplicas"] == 3
    assert len(ready) == 3
    assert not condition(status, "Reconciling")


def test_scale(namespace: Namespace) -> None:
    namespace.apply(app("grow"))
    namespace.wait_ready("grow")
    for replicas in (3, 1, 0):
        namespace.kubectl("scale", "xapp/grow", f"--replicas={replicas}")
        eventually(partial(_counts_are, namespace, "grow", replicas))
        eventually(lambda: _is_ready(namespace, "grow"))
    assert namespace.ready("grow")["reason"] == "ScaledToZero"


def _is_ready(namespace: Namespace, name: str) -> None:
    body = namespace.get("xapp", name)
    ready = condition(body["status"], "Ready")
    assert body["status"]["observedGeneration"] == body["metadata"]["generation"]
    assert ready["status"] == "True", ready


def test_kubectl_shows_and_explains(namespace: Namespace) -> None:
    namespace.apply(app("shown"))
    status = namespace.wait_ready("shown")["status"]
    header, row = namespace.kubectl("get", "xapp", "shown", "-o", "wide").splitlines()
    assert header.split() == ["NAME", "URL", "READY", "REASON", "REPLICAS", "NODES", "AGE"]
    assert row.split()[:4] == ["shown", status["url"], "True", "Available"]
    assert row.split()[5] == "3"
    assert "exposedapp.exposedapp.dev/shown" in namespace.kubectl("get", "all", "-o", "name")
    manual = namespace.kubectl("explain", "exposedapp.spec.ports")
    for field in ("name", "nodePort", "port", "protocol", "targetPort"):
        assert f"  {field}\t<" in manual
    assert "Default: one that the cluster picks from its range" in " ".join(manual.split())


def test_several_ports_and_a_chosen_one(namespace: Namespace) -> None:
    ports = [
        {"name": "web", "port": 80, "targetPort": 8080, "nodePort": 30023},
        {"name": "alt", "port": 81, "targetPort": "web"},
        {"name": "dns", "port": 80, "protocol": "UDP", "targetPort": 8080},
    ]
    namespace.apply(app("many", ports=ports))
    status = namespace.wait_ready("many")["status"]
    by_name = {port["name"]: port for port in status["ports"]}
    assert by_name["web"]["nodePort"] == 30023
    assert len(status["urls"]) == 9
    assert sum(url.startswith("udp://") for url in status["urls"]) == 3
    assert status["url"].endswith(":30023")
    for address in node_addresses(namespace).values():
        for name in ("web", "alt"):
            eventually(partial(fetch, f"http://{address}:{by_name[name]['nodePort']}"))


def test_deleting_the_app_deletes_everything(namespace: Namespace) -> None:
    namespace.apply(app("deleted"))
    namespace.wait_ready("deleted")
    namespace.kubectl("delete", "xapp", "deleted", "--timeout=30s")

    def nothing_left() -> None:
        assert not namespace.kubectl("get", "deployments,services,pods", "-o", "name")

    eventually(nothing_left)


def test_a_change_reaches_the_pods(namespace: Namespace) -> None:
    namespace.apply(app("change", env=[{"name": "NODE_NAME", "value": "here"}]))
    url = namespace.wait_ready("change")["status"]["url"]
    eventually(lambda: _answers(url, "on here"))
    changed = app("change", env=[{"name": "NODE_NAME", "value": "there"}])
    changed["spec"]["resources"] = {"requests": {"cpu": "5m", "memory": "16Mi"}}
    namespace.apply(changed)
    eventually(lambda: _answers(url, "on there"))
    namespace.apply(app("change"))
    eventually(lambda: _answers(url, "on an unknown node"))
    container = namespace.get("deployment", "change")["spec"]["template"]["spec"]["containers"][0]
    assert "env" not in container
    assert container["resources"] == {}


def test_container_fields(namespace: Namespace) -> None:
    """command, args, envFrom and probes reach the container, and a rollout loses no request."""
    namespace.kubectl("create", "configmap", "place", "--from-literal=NAME=a-config-map")
    spec: dict[str, Any] = {
        "replicas": 2,
        "envFrom": [{"prefix": "NODE_", "configMapRef": {"name": "place"}}],
        "command": ["python3"],
        "args": ["/app/server.py"],
        "readinessProbe": {"httpGet": {"path": "/healthz", "port": 8080}, "periodSeconds": 1},
        "livenessProbe": {"tcpSocket": {"port": 8080}},
    }
    namespace.apply(app("fields", **spec))
    url = namespace.wait_ready("fields")["status"]["url"]
    eventually(lambda: _answers(url, "on a-config-map"))
    namespace.apply(app("fields", **{**spec, "env": [{"name": "NODE_NAME", "value": "new"}]}))

    def all_are_new() -> None:
        answers = [fetch(url) for _ in range(10)]
        assert all("on new" in answer for answer in answers)

    eventually(all_are_new)


def _answers(url: str, text: str) -> None:
    assert text in fetch(url)
