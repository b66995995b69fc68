"""What is deleted while nobody can watch: a node and an app, while the control plane restarts.

A watch that breaks goes on from where it was, and misses nothing, unless the API server does not
remember so far back; one that has just started does not. Then everything is listed anew, and of
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

from e2e.conftest import OPERATOR_NAMESPACE, namespace_of
from e2e.support import Json, Namespace, app, eventually, on_node

NODE = "exposedapp-single-control-plane"
LOST_ADDRESS = "127.0.0.7"
FOUND_WITHIN_SECONDS = 60.0
RECONNECT_SECONDS = 15.0
"""How long the operator may wait between two tries to reach an API server that was away."""


@pytest.fixture
def web(single_node: KindCluster) -> Iterator[Namespace]:
    """An app without pods, all of whose URLs are the nodes' addresses."""
    with namespace_of(single_node) as found:
        found.apply(app("web", replicas=0))
        found.wait_ready("web")
        yield found
        found.kubectl("delete", "xapp", "--all", "--cascade=foreground", "--timeout=180s")


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
def cut_off(pod: Json) -> Iterator[None]:
    """The pod's new connections to the API server are refused; those that it has stay."""
    rule = ["-s", pod["status"]["podIP"], "-p", "tcp", "--dport", "6443", "--syn"]
    rule += ["-j", "REJECT", "--reject-with", "tcp-reset"]
    # Where it is decided depends on whether the API server is on the pod's node.
    chains = ("INPUT", "FORWARD")
    for chain in chains:
        on_node(pod["spec"]["nodeName"], "iptables", "-I", chain, *rule)
    try:
        yield
    finally:
        for chain in chains:
            on_node(pod["spec"]["nodeName"], "iptables", "-D", chain, *rule)


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


def operator_pod(cluster: KindCluster) -> Json:
    """The operator's pod."""
    operator = Namespace(cluster, OPERATOR_NAMESPACE)
    (name,) = operator.names("pods", "app.kubernetes.io/name=exposedapp")
    return operator.get("pod", name)


def counted_apps(cluster: KindCluster, pod: Json) -> int:
    """How many apps the operator knows, by its own metrics."""
    name = pod["metadata"]["name"]
    path = f"/api/v1/namespaces/{OPERATOR_NAMESPACE}/pods/{name}:8081/proxy/metrics"
    text = Namespace(cluster, OPERATOR_NAMESPACE).kubectl("get", "--raw", path)
    prefix = 'exposedapp_apps{condition="Ready"'
    values = [line.rpartition(" ")[2] for line in text.splitlines() if line.startswith(prefix)]
    return round(sum(map(float, values)))


def restarts(pod: Json) -> int:
    count: int = pod["status"]["containerStatuses"][0]["restartCount"]
    return count


def test_a_node_that_vanishes_while_nobody_watches(
    single_node: KindCluster, web: Namespace, lost_node: str
) -> None:
    eventually(partial(listed, web, lost=True))
    web.apply(app("gone", replicas=0))
    web.wait_ready("gone")
    pod = operator_pod(single_node)
    known = counted_apps(single_node, pod)
    with cut_off(pod):
        restart_the_api_server(web)
        web.kubectl("delete", "node", lost_node)
        web.kubectl("delete", "xapp", "gone")
        listed(web, lost=True)

    def deleted_app_is_forgotten() -> None:
        assert counted_apps(single_node, pod) == known - 1

    eventually(partial(listed, web, lost=False), FOUND_WITHIN_SECONDS + RECONNECT_SECONDS)
    eventually(deleted_app_is_forgotten, FOUND_WITHIN_SECONDS)
    after = operator_pod(single_node)
    assert after["metadata"]["uid"] == pod["metadata"]["uid"]
    assert restarts(after) == restarts(pod), "it would have found that out by starting anew"
