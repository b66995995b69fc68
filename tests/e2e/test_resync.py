# SPDX-License-Identifier: Apache-2.0
"""What is deleted while no watch is open: a node and an app, while the control plane restarts.

A watch that breaks goes on from where it was, and misses nothing, unless the API server does not
remember so far back; one that has just started does not. Then everything is listed again, and of
what was deleted meanwhile no event ever comes.
"""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from uuid import uuid4

import pytest
from pytest_kind import KindCluster

from e2e.conftest import OPERATOR_NAMESPACE, PODS, namespace_of, reconciled_apps
from e2e.support import Json, Namespace, app, eventually, on_node

NODE = "exposedapp-single-control-plane"
LOST_ADDRESS = "127.0.0.7"
FOUND_WITHIN_SECONDS = 60.0
RECONNECT_SECONDS = 15.0
"""How long the operator may wait between two tries to reach an API server that was away."""


@pytest.fixture
def web(single_node: KindCluster) -> Iterator[Namespace]:
    """An app without pods, all of whose URLs are the nodes' addresses."""
    with namespace_of(single_node) as namespace:
        namespace.apply(app("web", replicas=0))
        namespace.wait_ready("web")
        yield namespace
        namespace.kubectl("delete", "xapp", "--all", "--cascade=foreground", "--timeout=180s")


@pytest.fixture
def lost_node(web: Namespace) -> Iterator[str]:
    """An object that says it is a node, whose address the app lists; its name.

    Always another one: of a name that it knows Kubernetes remembers how long it has been silent.
    """
    name = f"lost-{uuid4().hex[:8]}"
    status = {
        "conditions": [{"type": "Ready", "status": "True"}],
        "addresses": [{"type": "InternalIP", "address": LOST_ADDRESS}],
    }
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}}
    web.kubectl("create", "-f", "-", stdin=json.dumps(node))
    try:
        patch = json.dumps({"status": status})
        web.kubectl("patch", "node", name, "--subresource=status", "--type=merge", "-p", patch)
        yield name
    finally:
        eventually(lambda: web.kubectl("delete", "node", name, "--ignore-not-found"))


def listed(namespace: Namespace, *, lost: bool) -> None:
    urls = namespace.status("web")["urls"]
    assert (f"http://{LOST_ADDRESS}:" in " ".join(urls)) == lost, urls


@contextmanager
def cut_off(pods: list[Json]) -> Iterator[None]:
    """The pods' new connections to the API server are refused; those that they have stay."""
    # Where it is decided depends on whether the API server is on the pod's node.
    rules = [
        (
            pod["spec"]["nodeName"],
            [chain, "-s", pod["status"]["podIP"], "-p", "tcp", "--dport", "6443", "--syn"],
        )
        for pod in pods
        for chain in ("INPUT", "FORWARD")
    ]
    reject = ("-j", "REJECT", "--reject-with", "tcp-reset")
    for node, rule in rules:
        on_node(node, "iptables", "-I", *rule, *reject)
    try:
        yield
    finally:
        for node, rule in rules:
            on_node(node, "iptables", "-D", *rule, *reject)


def process_of_the_api_server() -> str:
    """Its id on the node; AssertionError while there is none."""
    try:
        return on_node(NODE, "pidof", "kube-apiserver").strip()
    except subprocess.CalledProcessError:
        raise AssertionError("there is no API server") from None


def restart_the_api_server(namespace: Namespace) -> None:
    """Ends it as a crash would; the kubelet starts it again."""
    before = process_of_the_api_server()
    on_node(NODE, "kill", "-KILL", before)

    def answers_again() -> None:
        assert process_of_the_api_server() != before
        assert namespace.kubectl("get", "--raw", "/readyz") == "ok"

    eventually(answers_again, 180)


def operator_pods(cluster: KindCluster) -> list[Json]:
    """The operator's pods: the leader, and the standby."""
    operator = Namespace(cluster, OPERATOR_NAMESPACE)
    return [operator.get("pod", name) for name in operator.names("pods", PODS[-1])]


def test_a_node_that_is_deleted_while_no_watch_is_open(
    single_node: KindCluster, web: Namespace, lost_node: str
) -> None:
    eventually(partial(listed, web, lost=True))
    web.apply(app("deleted", replicas=0))
    web.wait_ready("deleted")
    known = reconciled_apps(single_node)
    with cut_off(operator_pods(single_node)):
        restart_the_api_server(web)
        web.kubectl("delete", "node", lost_node)
        web.kubectl("delete", "xapp", "deleted")
        listed(web, lost=True)

    def deleted_app_is_forgotten() -> None:
        assert reconciled_apps(single_node) == known - 1

    # The leader may be another by now: one that cannot renew its Lease for 10 s ends.
    eventually(partial(listed, web, lost=False), FOUND_WITHIN_SECONDS + RECONNECT_SECONDS)
    eventually(deleted_app_is_forgotten, FOUND_WITHIN_SECONDS)
