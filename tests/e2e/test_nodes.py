# SPDX-License-Identifier: Apache-2.0
"""The URLs are those that work: nodes come and go, ports are blocked, and the status follows."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import pytest

from e2e.support import Json, Namespace, app, condition, eventually, fetch, kstatus
from e2e.test_ownership import has_event
from e2e.test_smoke import node_addresses

EXCLUSION = "node.kubernetes.io/exclude-from-external-load-balancers"
NODE = "exposedapp-worker2"
FAST: Json = {"periodSeconds": 1, "timeoutSeconds": 1}


def hosts(namespace: Namespace, name: str) -> set[str]:
    urls = namespace.status(name).get("urls") or []
    return {url.removeprefix("http://").rpartition(":")[0] for url in urls}


def lists(namespace: Namespace, name: str, addresses: set[str]) -> None:
    assert hosts(namespace, name) == addresses


def on_node(node: str, *command: str) -> None:
    subprocess.run(["docker", "exec", node, *command], check=True, capture_output=True)


@pytest.fixture
def web(namespace: Namespace) -> Namespace:
    """An app with a pod on each worker, whose URLs are tried every second."""
    ready = {"httpGet": {"path": "/healthz", "port": 8080}, "periodSeconds": 1}
    namespace.apply(app("web", replicas=2, probe=FAST, readinessProbe=ready))
    namespace.wait_ready("web")
    return namespace


def test_a_node_that_is_labelled_off(web: Namespace) -> None:
    addresses = node_addresses(web)
    everyone = set(addresses.values())
    lists(web, "web", everyone)
    web.kubectl("label", "node", NODE, f"{EXCLUSION}=")
    try:
        eventually(lambda: lists(web, "web", everyone - {addresses[NODE]}))
        assert web.status("web")["nodes"] == {"eligible": 2, "listed": 2}
    finally:
        web.kubectl("label", "node", NODE, f"{EXCLUSION}-")
    eventually(lambda: lists(web, "web", everyone))


def test_a_cordoned_node_stays(web: Namespace) -> None:
    everyone = set(node_addresses(web).values())
    web.kubectl("cordon", NODE)
    try:
        web.apply(app("other", replicas=0))
        web.wait_ready("other")
        lists(web, "other", everyone)
        lists(web, "web", everyone)
    finally:
        web.kubectl("uncordon", NODE)


def test_a_node_whose_kubelet_stops(web: Namespace) -> None:
    addresses = node_addresses(web)
    everyone = set(addresses.values())
    on_node(NODE, "systemctl", "stop", "kubelet")
    try:
        eventually(lambda: lists(web, "web", everyone - {addresses[NODE]}))
    finally:
        on_node(NODE, "systemctl", "start", "kubelet")
    eventually(lambda: lists(web, "web", everyone))
    web.kubectl("wait", f"node/{NODE}", "--for=condition=Ready", "--timeout=60s")


def test_a_node_that_comes_and_is_deleted(web: Namespace) -> None:
    """An object that says it is a node: nothing answers there, and nothing is lost by it."""
    everyone = set(node_addresses(web).values())
    status = {
        "conditions": [{"type": "Ready", "status": "True"}],
        "addresses": [{"type": "InternalIP", "address": "127.0.0.7"}],
    }
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "not-a-machine"}}
    web.kubectl("create", "-f", "-", stdin=json.dumps(node))
    try:
        patch = json.dumps({"status": status})
        web.kubectl(
            "patch", "node", "not-a-machine", "--subresource=status", "--type=merge", "-p", patch
        )
        eventually(lambda: lists(web, "web", everyone | {"127.0.0.7"}))
    finally:
        web.kubectl("delete", "node", "not-a-machine")
    eventually(lambda: lists(web, "web", everyone))
    assert web.ready("web")["status"] == "True"


def test_which_nodes_and_which_addresses(web: Namespace) -> None:
    addresses = node_addresses(web)
    url = web.status("web")["url"]
    chosen = {"kubernetes.io/hostname": NODE}
    web.apply(app("web", nodes={"selector": chosen}))
    eventually(lambda: lists(web, "web", {addresses[NODE]}))
    web.apply(app("web", nodes={"addressTypes": ["Hostname"]}))
    eventually(lambda: lists(web, "web", set(addresses)))
    web.apply(app("web", nodes={"limit": 1}))
    eventually(lambda: counted(web, "web", {"eligible": 3, "listed": 1}))
    web.apply(app("web", nodes={"host": "apps.example.com"}))
    eventually(lambda: lists(web, "web", {"apps.example.com"}))
    # Users choose the host: without the owner's leave it is not tried.
    eventually(lambda: reachable_is(web, "web", "Unknown", "NotProbed"))
    assert url.rpartition(":")[2] in web.status("web")["url"]
    web.apply(app("web", nodes={"selector": {"no": "such-label"}}))

    def is_reported() -> None:
        ready = web.ready("web")
        assert (ready["status"], ready["reason"]) == ("False", "NoEligibleNode")
        assert "3 not matching spec.nodes.selector" in ready["message"]

    eventually(is_reported)


def counted(namespace: Namespace, name: str, nodes: Json) -> None:
    assert namespace.status(name)["nodes"] == nodes


def test_local_policy_lists_the_nodes_with_pods(web: Namespace) -> None:
    addresses = node_addresses(web)
    web.apply(app("near", service={"externalTrafficPolicy": "Local"}, probe=FAST))
    status = web.wait_ready("near")["status"]
    (home,) = web.pods_by_node("near")
    assert hosts(web, "near") == {addresses[home]}
    fetch(status["url"])
    web.kubectl("scale", "xapp/near", "--replicas=0")
    eventually(lambda: lists(web, "near", set()))


@contextmanager
def blocked(node: str, address: str, port: int) -> Iterator[None]:
    """Only what is meant for the node: the operator's tries of others may pass through it."""
    rule = ["PREROUTING", "-d", address, "-p", "tcp", "--dport", str(port), "-j", "DROP"]
    on_node(node, "iptables", "-t", "raw", "-I", *rule)
    try:
        yield
    finally:
        on_node(node, "iptables", "-t", "raw", "-D", *rule)


def reachable_is(namespace: Namespace, name: str, status: str, reason: str) -> None:
    reachable = condition(namespace.status(name), "Reachable")
    assert (reachable["status"], reachable["reason"]) == (status, reason), reachable


def test_a_blocked_port_is_named(web: Namespace) -> None:
    eventually(lambda: reachable_is(web, "web", "True", "Answers"))
    before = web.status("web")
    port = before["ports"][0]["nodePort"]
    (victim, address) = next(
        item for item in node_addresses(web).items() if item[1] in before["url"]
    )
    with blocked(victim, address, port):

        def is_reported() -> None:
            status = web.status("web")
            reachable = condition(status, "Reachable")
            assert (reachable["status"], reachable["reason"]) == ("False", "SomeUnreachable"), (
                reachable
            )
            assert "2 of 3 node URLs answer" in reachable["message"]
            assert f"{before['url']}: timed out" in reachable["message"]
            assert status["url"] != before["url"]
            assert status["urls"] == before["urls"], "a failing URL is kept"
            assert condition(status, "Ready")["status"] == "True"

        eventually(is_reported)
        fetch(web.status("web")["url"])
        eventually(lambda: has_event(web, "web", "NotReachable", before["url"]))
    eventually(lambda: reachable_is(web, "web", "True", "Answers"))
    eventually(lambda: has_event(web, "web", "Reachable", "answer"))


@pytest.mark.shares_cluster
def test_nothing_listens_at_the_target_port(namespace: Namespace) -> None:
    """The pods are ready and no URL answers: reported after a grace period, and healed."""
    wrong = app("deaf", ports=[{"port": 80, "targetPort": 9}], probe=FAST)
    namespace.apply(wrong)

    def says(reason: str, kind: str) -> None:
        body = namespace.get("xapp", "deaf")
        ready = condition(body["status"], "Ready")
        assert (ready["status"], ready["reason"]) == ("False", reason), ready
        assert kstatus(body) == kind

    eventually(partial(says, "WaitingForAnswer", "InProgress"))
    reachable_is(namespace, "deaf", "Unknown", "WaitingForAnswer")
    eventually(partial(says, "Unreachable", "InProgress"))
    reachable = condition(namespace.status("deaf"), "Reachable")
    assert reachable["message"].startswith("0 of 3 node URLs answer")
    assert reachable["message"].count(": connection refused") == 3
    namespace.apply(app("deaf", probe=FAST))
    namespace.wait_ready("deaf")


HTTP: dict[str, tuple[Json, str, str]] = {
    "a path that answers": ({"path": "/healthz"}, "True", "Available"),
    "https where http is spoken": ({"scheme": "https"}, "False", "Unreachable"),
}


@pytest.mark.shares_cluster
@pytest.mark.parametrize(("port", "status", "reason"), HTTP.values(), ids=HTTP.keys())
def test_http_is_asked_for(namespace: Namespace, port: Json, status: str, reason: str) -> None:
    ports = [{"port": 80, "targetPort": 8080, **port}]
    namespace.apply(app("asked", ports=ports, probe={**FAST, "type": "http"}))

    def is_reported() -> None:
        ready = namespace.ready("asked")
        assert (ready["status"], ready["reason"]) == (status, reason), ready

    eventually(is_reported)


NOT_PROBED: dict[str, Json] = {
    "switched off": {"probe": {"enabled": False}},
    "ClusterIP": {"service": {"type": "ClusterIP"}},
    "UDP": {"ports": [{"port": 80, "targetPort": 8080, "protocol": "UDP"}]},
    "no pods": {"replicas": 0},
}


@pytest.mark.shares_cluster
@pytest.mark.parametrize("spec", NOT_PROBED.values(), ids=NOT_PROBED.keys())
def test_not_probed(namespace: Namespace, spec: Json) -> None:
    namespace.apply(app("quiet", **spec))
    namespace.wait_ready("quiet")
    reachable_is(namespace, "quiet", "Unknown", "NotProbed")
