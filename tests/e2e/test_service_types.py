# SPDX-License-Identifier: Apache-2.0
"""All types of Service, and the way from each to each other, with nothing left behind."""

import json
from functools import partial
from itertools import pairwise
from typing import Any

import pytest

from e2e.support import DEMO_IMAGE, Json, Namespace, app, condition, eventually, fetch

pytestmark = pytest.mark.shares_cluster

WEB: list[Json] = [{"port": 80, "targetPort": 8080}]
IN_CLUSTER = {"clusterIPs", "clusterURL", "proxyPath"}
AT_NODES = {"nodes", "urls"}
ELSEWHERE = {"externalName": "kubernetes.default.svc.cluster.local"}

FIELDS = {
    "NodePort": {"url"} | IN_CLUSTER | AT_NODES,
    "LoadBalancer": {"url"} | IN_CLUSTER | AT_NODES,
    "ClusterIP": {"url"} | IN_CLUSTER,
    "ExternalName": set[str](),
}
"""Which addresses are in the status of an app of each type, when no provider makes balancers."""

WALK = [next(kind for kind in FIELDS if kind[0] == letter) for letter in "NCLNELCECNLEN"]
"""Every type after every other one."""


def of_type(kind: str) -> Json:
    if kind == "ExternalName":
        return app("walk", image=None, ports=None, service={"type": kind, **ELSEWHERE})
    return app("walk", ports=WEB, service={"type": kind})


def test_the_walk_takes_every_way() -> None:
    assert set(pairwise(WALK)) == {(a, b) for a in FIELDS for b in FIELDS if a != b}


def test_from_every_type_to_every_other(namespace: Namespace) -> None:
    for kind in WALK:
        namespace.kubectl("apply", "-f", "-", stdin=json.dumps(of_type(kind)))
        eventually(partial(is_of_type, namespace, kind))


def is_of_type(namespace: Namespace, kind: str) -> None:
    body = namespace.get("xapp", "walk")
    status, service = body["status"], namespace.get("service", "walk")
    assert status["observedGeneration"] == body["metadata"]["generation"]
    assert condition(status, "Ready")["status"] == "True", status
    address_fields = (FIELDS["NodePort"] | {"loadBalancer"}) & status.keys()
    assert address_fields == FIELDS[kind]
    assert service["spec"]["type"] == kind
    assert bool(service["spec"].get("clusterIP")) == (kind != "ExternalName")
    assert service["spec"].get("externalName") == (
        ELSEWHERE["externalName"] if kind == "ExternalName" else None
    )
    at_nodes = kind in {"NodePort", "LoadBalancer"}
    ports = status.get("ports") or []
    assert [bool(port.get("nodePort")) for port in ports] == ([at_nodes] if ports else [])
    assert [bool(port.get("nodePort")) for port in service["spec"].get("ports") or []] == [
        at_nodes for _ in ports
    ]
    assert bool(namespace.names("deployments")) == (kind != "ExternalName")
    if kind == "ClusterIP":
        assert status["url"] == status["clusterURL"] == f"http://walk.{namespace.name}.svc:80"
    for url in status.get("urls") or []:
        assert "hello from walk" in fetch(url)


def test_load_balancer_address(namespace: Namespace) -> None:
    """The nodes' URLs until a provider gives an address, and again when it takes it away."""
    namespace.apply(app("balanced", service={"type": "LoadBalancer"}))
    before = namespace.wait_ready("balanced")["status"]
    assert before["url"] in before["urls"]

    def give(*ingress: Json) -> None:
        patch = json.dumps({"status": {"loadBalancer": {"ingress": list(ingress)}}})
        namespace.kubectl(
            "patch", "service", "balanced", "--subresource=status", "--type=merge", "-p", patch
        )

    def is_reported(url: str) -> None:
        status = namespace.status("balanced")
        assert status["url"] == url
        assert set(before["urls"]) <= set(status["urls"])

    give({"ip": "192.0.2.7"})
    eventually(partial(is_reported, "http://192.0.2.7:80"))
    assert namespace.status("balanced")["loadBalancer"] == {"ingress": [{"ip": "192.0.2.7"}]}
    give({"hostname": "lb.example.com"})
    eventually(partial(is_reported, "http://lb.example.com:80"))
    give()

    def taken_away() -> None:
        status = namespace.status("balanced")
        assert status["url"] in status["urls"] == before["urls"]
        assert "loadBalancer" not in status

    eventually(taken_away)


def test_internal_traffic_policy(namespace: Namespace) -> None:
    """Local: a node without a pod of the app takes no connection to its cluster IP."""
    spec: dict[str, Any] = {"internalTrafficPolicy": "Local"}
    namespace.apply(app("near", service=spec), app("client", replicas=4))
    address = namespace.wait_ready("near")["status"]["clusterIPs"][0]
    namespace.wait_ready("client")
    (home,) = namespace.pods_by_node("near")
    clients = namespace.pods_by_node("client")
    assert len(clients) == 2, "the client's pods are on both workers"

    def answers(node: str) -> bool:
        code = (
            "import urllib.request as r\n"
            f"try: print(r.urlopen('http://{address}', timeout=3).read().decode())\n"
            "except OSError: print('none')"
        )
        output = namespace.kubectl("exec", clients[node][0], "--", "python3", "-c", code)
        return "hello from near" in output

    def only_at_home() -> None:
        assert {node: answers(node) for node in clients} == {node: node == home for node in clients}

    def everywhere() -> None:
        assert all(answers(node) for node in clients)

    eventually(only_at_home)
    namespace.apply(app("near", service={"internalTrafficPolicy": "Cluster"}))
    eventually(everywhere)


def test_a_selected_pod_needs_no_deployment(namespace: Namespace) -> None:
    """From an image to pods that run already, and back: the Deployment goes and comes."""
    namespace.kubectl("create", "deployment", "other", f"--image={DEMO_IMAGE}", "--replicas=2")
    namespace.apply(app("turns"))
    url = namespace.wait_ready("turns")["status"]["url"]
    eventually(lambda: answers_as(url, "hello from turns-"))
    selecting = app("turns", image=None, selector={"app": "other"}, ports=WEB)
    namespace.kubectl("apply", "-f", "-", stdin=json.dumps(selecting))

    def selects() -> None:
        status = namespace.status("turns")
        assert condition(status, "Ready")["status"] == "True"
        assert (status["selector"], status["replicas"]) == ("app=other", 2)
        assert url in status["urls"]
        assert namespace.names("deployments") == ["other"]
        answers_as(url, "hello from other-")

    eventually(selects)
    namespace.kubectl("apply", "-f", "-", stdin=json.dumps(app("turns")))
    eventually(lambda: answers_as(url, "hello from turns-"))
    assert namespace.names("deployments") == ["other", "turns"]


def answers_as(url: str, text: str) -> None:
    assert text in fetch(url)


def test_a_named_port_that_no_selected_pod_has(namespace: Namespace) -> None:
    namespace.kubectl("create", "deployment", "db", f"--image={DEMO_IMAGE}", "--port=8080")
    ports = [{"port": 80, "targetPort": "web"}]
    namespace.apply(app("named", image=None, selector={"app": "db"}, ports=ports))

    def is_reported() -> None:
        ready = namespace.ready("named")
        assert ready["status"] == "False"
        assert "No pod has a container port named 'web'" in ready["message"]

    eventually(is_reported)
    name = [{"op": "add", "path": f"{PORT}/name", "value": "web"}]
    namespace.kubectl("patch", "deployment", "db", "--type=json", "-p", json.dumps(name))
    url = namespace.wait_ready("named")["status"]["url"]
    eventually(lambda: answers_as(url, "hello from db-"))


PORT = "/spec/template/spec/containers/0/ports/0"


def test_a_selector_that_finds_nothing(namespace: Namespace) -> None:
    namespace.apply(app("lonely", image=None, selector={"app": "nobody"}, ports=WEB))

    def is_reported() -> None:
        ready = namespace.ready("lonely")
        assert (ready["status"], ready["reason"]) == ("False", "Progressing")
        assert "0 of 0 pods with app=nobody are ready" in ready["message"]

    eventually(is_reported)
