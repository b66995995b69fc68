# SPDX-License-Identifier: Apache-2.0
"""The ways in that people know from NodePort tutorials: all of them must work through the app."""

from functools import partial

import pytest

from e2e.support import Namespace, app, eventually, fetch
from e2e.test_smoke import node_addresses

pytestmark = pytest.mark.shares_cluster

QUICK = {
    "readinessProbe": {"httpGet": {"path": "/healthz", "port": 8080}, "periodSeconds": 1},
    "env": [
        {"name": "NODE_NAME", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
        {"name": "DRAIN_SECONDS", "value": "0"},
    ],
}


def answering_pods(url: str, requests: int = 40) -> set[str]:
    """The pods that answer so many requests, each on a connection of its own."""
    return {fetch(url).split()[2] for _ in range(requests)}


def test_only_a_port(namespace: Namespace) -> None:
    namespace.apply(app("only", ports=[{"port": 8080}]))
    status = namespace.wait_ready("only")["status"]
    (port,) = status["ports"]
    assert port["port"] == port["targetPort"] == 8080
    assert 30000 <= port["nodePort"] <= 32767
    eventually(partial(fetch, status["url"]))


def test_a_node_without_a_pod_answers(namespace: Namespace) -> None:
    namespace.apply(app("single", **QUICK))
    status = namespace.wait_ready("single")["status"]
    (home,) = namespace.pods_by_node("single")
    port = status["ports"][0]["nodePort"]
    nodes = node_addresses(namespace)
    assert len(nodes) == 3
    for address in nodes.values():
        answer = eventually(partial(fetch, f"http://{address}:{port}"))
        assert f" on {home}" in answer


def test_requests_are_spread_over_the_pods(namespace: Namespace) -> None:
    """On one node and on several; pods that come get requests, pods that go get none."""
    namespace.apply(app("spread", replicas=4, **QUICK))
    url = namespace.wait_ready("spread")["status"]["url"]

    def all_answer(count: int) -> None:
        placed = namespace.pods_by_node("spread")
        pods = {pod for names in placed.values() for pod in names}
        assert len(pods) == count
        assert answering_pods(url) == pods
        status = namespace.status("spread")
        assert status["endpoints"] == {"ready": count, "total": count}
        assert status["readyReplicas"] == count

    eventually(lambda: all_answer(4))
    placed = namespace.pods_by_node("spread")
    assert len(placed) == 2, "pods on both workers"
    assert max(len(pods) for pods in placed.values()) >= 2, "and two on one of them"

    namespace.kubectl("scale", "xapp/spread", "--replicas=6")
    eventually(lambda: all_answer(6))
    namespace.kubectl("scale", "xapp/spread", "--replicas=2")
    eventually(lambda: all_answer(2))
    victim = next(iter(namespace.pods_by_node("spread").values()))[0]
    namespace.kubectl("delete", "pod", victim)
    eventually(lambda: all_answer(2))
    assert victim not in answering_pods(url)
