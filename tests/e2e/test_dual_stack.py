# SPDX-License-Identifier: Apache-2.0
"""IPv4 and IPv6: one URL per IP family of the Service, and each of them answers.

On the cluster of one node, since the other one shows what Kubernetes says where there is IPv4 only.
"""

import json
import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import pytest
from pytest_kind import KindCluster

from e2e.conftest import namespace_of
from e2e.support import Json, Namespace, app, condition, eventually, exposedapp, fetch, on_node

NODE = "exposedapp-single-control-plane"
API_SERVER_PORT = 6443
FAST: Json = {"periodSeconds": 1, "timeoutSeconds": 1}


def node_addresses(cluster: KindCluster) -> tuple[str, str]:
    """The node's IPv4 and IPv6 address; skips where the cluster has no IPv6."""
    node = json.loads(cluster.kubectl("get", "node", NODE, "-o", "json"))
    if len(node["spec"]["podCIDRs"]) < 2:
        pytest.skip("no IPv6: the kernel or Docker's network `kind` has none, see cluster.sh")
    internal = [
        address["address"]
        for address in node["status"]["addresses"]
        if address["type"] == "InternalIP"
    ]
    ipv4, ipv6 = sorted(internal, key=lambda item: ":" in item)
    return ipv4, ipv6


def connects(address: str) -> bool:
    """Whether this machine gets through to the node: its API server listens everywhere."""
    try:
        socket.create_connection((address, API_SERVER_PORT), timeout=3).close()
    except OSError:
        return False
    return True


@contextmanager
def route(address: str) -> Iterator[None]:
    """A way to the node's IPv6 address from here.

    A Docker engine that was killed leaves its bridges, and a bridge of an earlier `kind` network
    has the same IPv6 range: then packets are lost there.
    """
    if connects(address):
        yield
        return
    inspect = ["docker", "network", "inspect", "kind", "--format", "{{slice .Id 0 12}}"]
    done = subprocess.run(inspect, check=True, capture_output=True, text=True)
    rule = [f"{address}/128", "dev", f"br-{done.stdout.strip()}"]
    if os.geteuid() or subprocess.run(["ip", "-6", "route", "add", *rule], check=False).returncode:
        pytest.skip(f"this machine has no IPv6 route to kind's nodes: {address} cannot be reached")
    try:
        if not connects(address):
            pytest.skip(f"this machine cannot reach {address}, the node's IPv6 address")
        yield
    finally:
        subprocess.run(["ip", "-6", "route", "del", *rule], check=True)


@pytest.fixture(scope="module")
def addresses(single_node: KindCluster) -> Iterator[tuple[str, str]]:
    """The node's IPv4 and IPv6 address, both of which can be reached from here."""
    both = node_addresses(single_node)
    with route(both[1]):
        yield both


@pytest.fixture
def dual(single_node: KindCluster, addresses: tuple[str, str]) -> Iterator[Namespace]:
    """A namespace that gives its node ports back before the next test: there are ten of them."""
    with namespace_of(single_node) as namespace:
        yield namespace
        namespace.kubectl("delete", "xapp", "--all", "--cascade=foreground", "--timeout=60s")


def urls_are(namespace: Namespace, name: str, *hosts: str) -> list[str]:
    """The URLs, once they are those of these hosts and the operator has got an answer of each."""
    status = namespace.status(name)
    port = status["ports"][0]["nodePort"]
    assert status["urls"] == sorted(f"http://{host}:{port}" for host in hosts), status
    reachable = condition(status, "Reachable")
    assert (reachable["status"], reachable["reason"]) == ("True", "Answers"), reachable
    assert status["url"] in status["urls"]
    return list(status["urls"])


def answers(namespace: Namespace, name: str, *hosts: str) -> None:
    """The app has these URLs and no others, and each answers here."""
    for url in eventually(partial(urls_are, namespace, name, *hosts)):
        assert f"hello from {name}-" in eventually(partial(fetch, url))


def test_one_url_per_ip_family(dual: Namespace, addresses: tuple[str, str]) -> None:
    ipv4, ipv6 = addresses[0], f"[{addresses[1]}]"
    six = {"ipFamilyPolicy": "SingleStack", "ipFamilies": ["IPv6"]}
    reverse = {"ipFamilyPolicy": "RequireDualStack", "ipFamilies": ["IPv6", "IPv4"]}
    dual.apply(
        app("prefers", service={"ipFamilyPolicy": "PreferDualStack"}, probe=FAST),
        app("requires", service=reverse, probe=FAST),
        # Its only URL has answered the operator: so the operator's pod speaks IPv6.
        app("six", service=six, probe=FAST),
        app("four", probe=FAST),
    )
    answers(dual, "prefers", ipv4, ipv6)
    answers(dual, "requires", ipv4, ipv6)
    answers(dual, "six", ipv6)
    answers(dual, "four", ipv4)
    assert dual.ready("six")["status"] == "True"
    assert [":" in item for item in dual.status("requires")["clusterIPs"]] == [True, False]

    done = exposedapp(dual, "doctor", "prefers", "-o", "json")
    report = json.loads(done.out)
    assert (done.code, report["code"]) == (0, "Fine"), report
    tried = [step["detail"] for step in report["steps"] if step["step"] == "url"]
    assert len(tried) == 2, report
    assert all(detail.endswith(f" ({NODE}): HTTP 200") for detail in tried), report

    dual.apply(app("prefers", service={"ipFamilyPolicy": "SingleStack"}, probe=FAST))
    answers(dual, "prefers", ipv4)
    dual.apply(app("four", service={"ipFamilyPolicy": "PreferDualStack"}, probe=FAST))
    answers(dual, "four", ipv4, ipv6)


def test_one_family_that_is_blocked(dual: Namespace, addresses: tuple[str, str]) -> None:
    """Each family is probed: one that a firewall blocks is reported, and not preferred."""
    ipv4, ipv6 = addresses[0], f"[{addresses[1]}]"
    dual.apply(app("both", service={"ipFamilyPolicy": "RequireDualStack"}, probe=FAST))
    eventually(partial(urls_are, dual, "both", ipv4, ipv6))
    port = dual.status("both")["ports"][0]["nodePort"]
    rule = ["PREROUTING", "-p", "tcp", "--dport", str(port), "-j", "DROP"]
    on_node(NODE, "ip6tables", "-t", "raw", "-I", *rule)
    try:

        def is_reported() -> None:
            status = dual.status("both")
            reachable = condition(status, "Reachable")
            assert (reachable["status"], reachable["reason"]) == ("False", "SomeUnreachable"), (
                reachable
            )
            assert f"http://{ipv6}:{port}: timed out" in reachable["message"]
            assert status["url"] == f"http://{ipv4}:{port}"
            assert condition(status, "Ready")["status"] == "True"

        eventually(is_reported)
    finally:
        on_node(NODE, "ip6tables", "-t", "raw", "-D", *rule)
    answers(dual, "both", ipv4, ipv6)
