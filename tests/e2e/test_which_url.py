# SPDX-License-Identifier: Apache-2.0
"""Which URL is the one to click, and what is said where the operator cannot try it.

Named after the threads in which users of other projects ran into it.
"""

import json
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import pytest

from e2e.conftest import PODS, Operator
from e2e.support import (
    DEMO_IMAGE,
    Json,
    Namespace,
    app,
    condition,
    eventually,
    exposedapp,
    fetch,
    on_node,
)
from e2e.test_leader import holder, ready_pods
from e2e.test_smoke import node_addresses

FAST: Json = {"periodSeconds": 1, "timeoutSeconds": 1}

COUNTER = """
import http.server, socket, threading
noticed = 0
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(str(noticed).encode())
def count():
    global noticed
    server = socket.create_server(("", 8080))
    while True:
        connection, _ = server.accept()
        noticed += 1
        connection.close()
threading.Thread(target=count, daemon=True).start()
http.server.HTTPServer(("", 8081), Handler).serve_forever()
"""
"""Counts connections as a server does that sees a broken handshake in each."""


def says(namespace: Namespace, name: str, ready: str, reachable: str) -> None:
    """Ready and Reachable are STATUS/REASON."""
    status = namespace.status(name)
    reported = {
        kind: "/".join(condition(status, kind).get(key, "") for key in ("status", "reason"))
        for kind in ("Ready", "Reachable")
    }
    assert reported == {"Ready": ready, "Reachable": reachable}, status


@pytest.mark.shares_cluster
def test_spring_boot_16473_the_metrics_answer_and_the_app_does_not(namespace: Namespace) -> None:
    def ports(target: int) -> list[Json]:
        web = {"name": "web", "port": 80, "targetPort": target}
        return [web, {"name": "metrics", "port": 9090, "targetPort": 8080}]

    namespace.apply(app("half", ports=ports(9), probe=FAST))
    eventually(lambda: says(namespace, "half", "False/Unreachable", "False/Unreachable"))
    assert "none of the first port" in namespace.ready("half")["message"]
    namespace.apply(app("half", ports=ports(8080), probe=FAST))
    status = namespace.wait_ready("half")["status"]
    web, _ = status["ports"]
    assert status["url"].endswith(f":{web['nodePort']}")
    fetch(status["url"])


def test_k3s_1652_the_most_preferred_type_of_address_comes_first(namespace: Namespace) -> None:
    """An object that says it is a node, with an external address: one at which a node answers."""
    namespace.apply(app("outside", probe=FAST))
    url = namespace.wait_ready("outside")["status"]["url"]
    address = max(each for each in node_addresses(namespace).values() if each not in url)
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "not-a-machine"}}
    namespace.kubectl("create", "-f", "-", stdin=json.dumps(node))
    try:
        external = [{"type": "ExternalIP", "address": address}]
        ready = [{"type": "Ready", "status": "True"}]
        patch = json.dumps({"status": {"conditions": ready, "addresses": external}})
        namespace.kubectl(
            "patch", "node", "not-a-machine", "--subresource=status", "--type=merge", "-p", patch
        )

        def is_first() -> None:
            status = namespace.status("outside")
            assert f"//{address}:" in status["url"]
            assert condition(status, "Ready")["status"] == "True"

        eventually(is_first)
    finally:
        namespace.kubectl("delete", "node", "not-a-machine")


@pytest.mark.shares_cluster
def test_hello_kubernetes_14_no_load_balancer_answers(namespace: Namespace) -> None:
    namespace.apply(app("balanced", service={"type": "LoadBalancer"}))
    status = namespace.wait_ready("balanced")["status"]
    pending = "No load balancer has an address for the Service yet; status.url leads to a node"
    assert pending in condition(status, "Ready")["message"]
    assert pending in condition(status, "ServiceReady")["message"]
    fetch(status["url"])
    assert pending in exposedapp(namespace, "doctor", "balanced").out


# --- a way that is cut ----------------------------------------------------------------------------


@contextmanager
def cut(operator: Operator, namespace: Namespace, target: str) -> Iterator[None]:
    """The operator's pods open no connection to nodes, as under a policy that denies egress.

    The kubelet's probes of the pods are answered: only packets that open a connection count.
    """
    pods = json.loads(operator.namespace.kubectl("get", "pods", *PODS, "-o", "json"))["items"]
    with ExitStack() as rules:
        for pod in pods:
            node, source = pod["spec"]["nodeName"], pod["status"]["podIP"]
            for address in node_addresses(namespace).values():
                rule = [
                    "PREROUTING",
                    "-s",
                    source,
                    "-d",
                    address,
                    "-p",
                    "tcp",
                    "--syn",
                    "-j",
                    target,
                ]
                on_node(node, "iptables", "-w", "10", "-t", "raw", "-I", *rule)
                rules.callback(on_node, node, "iptables", "-w", "10", "-t", "raw", "-D", *rule)
        yield


def test_the_operator_s_own_way_is_cut(operator: Operator, namespace: Namespace) -> None:
    namespace.apply(app("before", probe=FAST))
    urls = namespace.wait_ready("before")["status"]["urls"]
    with cut(operator, namespace, "DROP"):
        eventually(lambda: says(namespace, "before", "True/Available", "Unknown/ProbeBlocked"))
        message = condition(namespace.status("before"), "Reachable")["message"]
        assert "its own way to the nodes is cut" in message
        assert namespace.status("before")["urls"] == urls
        fetch(namespace.status("before")["url"])
        namespace.apply(app("meanwhile", probe=FAST))
        namespace.wait_ready("meanwhile")
        says(namespace, "meanwhile", "True/Available", "Unknown/ProbeBlocked")
    for name in ("before", "meanwhile"):
        eventually(partial(says, namespace, name, "True/Available", "True/Answers"))


# --- a host that cannot be tried ------------------------------------------------------------------

NAT = "203.0.113.7"

HOSTS = {"nat": NAT, "local": "localhost", "hidden": "known-to-users-only.example"}


@pytest.fixture(scope="module")
def operator_with_hosts(operator: Operator) -> Iterator[Operator]:
    """The operator with leave to try these hosts; from the nodes nothing leads to the NAT."""

    def configure(variable: str) -> None:
        operator.namespace.kubectl("set", "env", "deployment/exposedapp", variable)
        operator.namespace.kubectl("rollout", "status", "deployment/exposedapp", "--timeout=120s")

    with ExitStack() as rules:
        for node in node_addresses(operator.namespace):
            rule = ["PREROUTING", "-d", NAT, "-j", "DROP"]
            on_node(node, "iptables", "-w", "10", "-t", "raw", "-I", *rule)
            rules.callback(on_node, node, "iptables", "-w", "10", "-t", "raw", "-D", *rule)
        configure(f"EXPOSEDAPP_PROBE_HOSTS={','.join(HOSTS.values())}")
        rules.callback(configure, "EXPOSEDAPP_PROBE_HOSTS-")
        yield operator


@pytest.mark.usefixtures("operator_with_hosts")
def test_for_mac_3144_a_host_that_cannot_be_tried_from_a_pod(namespace: Namespace) -> None:
    """One app for each host, at the same time."""

    def fronted(**spec: Any) -> list[Json]:
        return [app(name, nodes={"host": host}, probe=FAST, **spec) for name, host in HOSTS.items()]

    def all_report(ready: str, reachable: str) -> None:
        for name in HOSTS:
            says(namespace, name, ready, reachable)

    namespace.apply(*fronted())
    for name, host in HOSTS.items():
        status = namespace.wait_ready(name)["status"]
        assert status["url"].startswith(f"http://{host}:")
    eventually(partial(all_report, "True/Available", "Unknown/ProbeBlocked"))
    # What is wrong with the app itself is still found out, at the nodes.
    namespace.apply(*fronted(ports=[{"port": 80, "targetPort": 9}]))
    eventually(partial(all_report, "False/Unreachable", "False/Unreachable"))


# --- what an app notices of it --------------------------------------------------------------------


def probes_done(operator: Operator) -> float:
    """How many probes the leader has made."""
    path = (
        f"/api/v1/namespaces/{operator.namespace.name}/pods/{holder(operator)}:8081/proxy/metrics"
    )
    lines = operator.namespace.kubectl("get", "--raw", path).splitlines()
    results = [line for line in lines if line.startswith("exposedapp_probe_results_total")]
    return sum(float(line.rpartition(" ")[2]) for line in results)


def test_stolon_624_a_server_that_counts_broken_handshakes(
    operator: Operator, namespace: Namespace
) -> None:
    container = {"name": "app", "image": DEMO_IMAGE, "command": ["python3", "-c", COUNTER]}
    listens = {"readinessProbe": {"httpGet": {"path": "/", "port": 8081}}}
    template = {"spec": {"containers": [{**container, **listens}]}}
    namespace.apply(
        app("mysql", ports=[{"port": 3306, "targetPort": 8080}], podTemplate=template, probe=FAST)
    )
    namespace.wait_ready("mysql")
    start = probes_done(operator)

    def many() -> None:
        assert probes_done(operator) >= start + 60

    eventually(many)
    (pod,) = namespace.names("pods")
    noticed = namespace.kubectl(
        "get", "--raw", f"/api/v1/namespaces/{namespace.name}/pods/{pod}:8081/proxy/"
    )
    # Where the operator is held up at the wrong moment, a handshake is completed after all.
    assert int(noticed) <= 6


# --- the operator's node --------------------------------------------------------------------------


def test_rook_12660_the_node_of_the_operator_stops(
    operator: Operator, namespace: Namespace
) -> None:
    """docker pause: its URLs are listed for at most 45 s after Kubernetes finds it NotReady."""
    namespace.apply(app("web", probe=FAST))
    namespace.wait_ready("web")
    leader = holder(operator)
    node = ready_pods(operator)[leader]
    if "control-plane" in node:
        pytest.skip("the API server would stop with it")
    address = node_addresses(namespace)[node]
    subprocess.run(["docker", "pause", node], check=True, capture_output=True)
    try:
        namespace.kubectl("wait", f"node/{node}", "--for=condition=Ready=Unknown", "--timeout=120s")

        def is_left_out() -> None:
            status = namespace.status("web")
            assert not [url for url in status["urls"] if f"//{address}:" in url]
            assert f"//{address}:" not in status["url"]

        eventually(is_left_out, 45)
        assert holder(operator) != leader
    finally:
        subprocess.run(["docker", "unpause", node], check=True, capture_output=True)
        namespace.kubectl("wait", f"node/{node}", "--for=condition=Ready", "--timeout=120s")
    eventually(lambda: len(ready_pods(operator)) == 2)
