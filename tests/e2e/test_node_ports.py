# SPDX-License-Identifier: Apache-2.0
"""Node ports that run out: on a cluster that has ten of them, and in a namespace with a quota."""

from collections.abc import Iterator
from functools import partial

import pytest
import yaml
from pytest_kind import KindCluster

from e2e.conftest import namespace_of
from e2e.support import EXAMPLES, Namespace, app, eventually, fetch, kstatus


@pytest.fixture
def narrow(single_node: KindCluster) -> Iterator[Namespace]:
    with namespace_of(single_node) as namespace:
        yield namespace


def says(namespace: Namespace, name: str, reason: str, words: str) -> None:
    ready = namespace.ready(name)
    assert (ready["status"], ready["reason"]) == ("False", reason), ready
    assert words in ready["message"], ready


@pytest.mark.parametrize("example", ["hello", "hello-fixed-port"])
def test_an_example_on_a_single_node(narrow: Namespace, example: str) -> None:
    """The control plane is the only node, and answers."""
    narrow.apply(yaml.safe_load((EXAMPLES / f"{example}.yaml").read_text()))
    status = narrow.wait_ready(example)["status"]
    (url,) = status["urls"]
    assert url == status["url"]
    assert f"hello from {example}-" in eventually(partial(fetch, url))
    narrow.kubectl("delete", "xapp", example, "--cascade=foreground", "--timeout=60s")


def test_the_range_is_exhausted(narrow: Namespace) -> None:
    """Told, healed when a port is given back, and no hindrance to the others."""
    ports = [{"name": f"p{number}", "port": number, "targetPort": 8080} for number in range(80, 89)]
    narrow.apply(app("nine", replicas=0, ports=ports))
    narrow.wait_ready("nine")
    narrow.apply(app("tenth"))
    narrow.wait_ready("tenth")
    narrow.apply(app("eleventh", replicas=0))
    eventually(partial(says, narrow, "eleventh", "NodePortsExhausted", "range is full"))
    assert kstatus(narrow.get("xapp", "eleventh")) == "Failed"

    narrow.kubectl("scale", "xapp/tenth", "--replicas=2")
    eventually(lambda: has_endpoints(narrow, "tenth", 2))
    narrow.apply(app("inside", replicas=0, service={"type": "ClusterIP"}))
    narrow.wait_ready("inside")

    narrow.apply(app("nine", replicas=0, ports=ports[1:]))
    narrow.wait_ready("eleventh", seconds=120)


def has_endpoints(namespace: Namespace, name: str, count: int) -> None:
    assert namespace.status(name)["endpoints"] == {"ready": count, "total": count}


def test_the_quota_is_used_up(namespace: Namespace) -> None:
    quota = ("create", "quota", "few", "--hard=services.nodeports=1")
    namespace.kubectl(*quota)
    namespace.apply(app("fits"))
    namespace.wait_ready("fits")
    namespace.apply(app("over"))
    eventually(partial(says, namespace, "over", "QuotaExceeded", "services.nodeports=1"))
    assert kstatus(namespace.get("xapp", "over")) == "Failed"
    namespace.apply(app("without", service={"type": "ClusterIP"}))
    namespace.wait_ready("without")
    patch = '{"spec": {"hard": {"services.nodeports": "2"}}}'
    namespace.kubectl("patch", "quota", "few", "--type=merge", "-p", patch)
    namespace.wait_ready("over", seconds=120)


def test_a_pod_quota_is_told(namespace: Namespace) -> None:
    namespace.kubectl("create", "quota", "few", "--hard=pods=1")
    namespace.apply(app("many", replicas=2))
    eventually(partial(says, namespace, "many", "FailedCreate", "exceeded quota: few"))
    assert kstatus(namespace.get("xapp", "many")) == "InProgress"
    namespace.kubectl("delete", "quota", "few")
    namespace.wait_ready("many", seconds=120)


def test_node_ports_stay(namespace: Namespace) -> None:
    """When another port comes, the Service is deleted, and the type changes and comes back."""
    web = {"name": "web", "port": 80, "targetPort": 8080}
    dns = {"name": "dns", "port": 80, "targetPort": 8080, "protocol": "UDP"}
    namespace.apply(app("kept", ports=[web]))
    port = namespace.wait_ready("kept")["status"]["ports"][0]["nodePort"]

    def still(*names: str) -> None:
        node_ports = {port["name"]: port["nodePort"] for port in namespace.status("kept")["ports"]}
        assert node_ports.keys() == set(names)
        assert node_ports["web"] == port
        assert namespace.get("service", "kept")["spec"]["ports"][0]["nodePort"] == port

    namespace.apply(app("kept", ports=[web, dns]))
    eventually(lambda: still("web", "dns"))
    namespace.kubectl("delete", "service", "kept")
    eventually(lambda: still("web", "dns"))
    namespace.apply(app("kept", ports=[web], service={"type": "LoadBalancer"}))
    eventually(lambda: still("web"))
    namespace.apply(app("kept", ports=[web]))
    eventually(lambda: still("web"))
