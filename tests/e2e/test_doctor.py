# SPDX-License-Identifier: Apache-2.0
"""Every diagnosis of the doctor, provoked for real.

One namespace is a ward full of apps, each ill in its own way. What is done to the network and to
the operator comes after, on apps that are well.
"""

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import pytest
from pytest_kind import KindCluster

from e2e.conftest import Operator, namespace_of
from e2e.support import APP_LABEL, Json, Namespace, app, eventually, exposedapp, on_node

NODE = "exposedapp-worker2"
FINALIZER = "exposedapp.dev/test"
WELL, UNWELL, NO_APP, NO_CLUSTER = 0, 1, 3, 4

SERVER = """
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(int(sys.argv[1]))
        self.end_headers()
http.server.HTTPServer(("", 8080), Handler).serve_forever()
"""
MUTE = """
import socket
server = socket.create_server(("", 8080))
held = []
while True:
    held.append(server.accept())
"""


def runs(script: str, *args: str) -> Json:
    """A program in place of the demo's own."""
    return {"command": ["python3", "-c", script, *args], "probe": {"enabled": False}}


def apart(name: str) -> Json:
    """Pods of which no two are on one node: there are two nodes for them."""
    same = {"matchLabels": {APP_LABEL: name}}
    term = {"topologyKey": "kubernetes.io/hostname", "labelSelector": same}
    affinity = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
    return {"podTemplate": {"spec": {"affinity": affinity}}}


def examine(namespace: Namespace, name: str) -> tuple[int, Json]:
    """The doctor's exit code and report."""
    done = exposedapp(namespace, "doctor", name, "-o", "json")
    assert done.out, done.err
    report: Json = json.loads(done.out)
    return done.code, report


def broken(report: Json) -> list[str]:
    """The steps that are, in the order of the chain."""
    return [step["step"] for step in report["steps"] if step["ok"] is False]


def says(namespace: Namespace, name: str, code: str, step: str, *words: str) -> Json:
    """The doctor finds an app unwell: the code, where the chain breaks first, what to do."""
    ends, report = examine(namespace, name)
    assert (ends, report["code"]) == (UNWELL, code), report
    assert next(iter(broken(report)), "") == step, report
    for word in words:
        assert word in report["diagnosis"], report
    return report


def is_well(namespace: Namespace, name: str, *words: str) -> list[str]:
    """The doctor finds nothing; what it says of each URL."""
    ends, report = examine(namespace, name)
    assert (ends, report["code"], broken(report)) == (WELL, "Fine", []), report
    for word in words:
        assert word in report["diagnosis"], report
    return [step["detail"] for step in report["steps"] if step["step"] == "url"]


ILL: dict[str, tuple[Json, str, str, tuple[str, ...]]] = {
    "no-image": (
        {"image": "localhost/exposedapp/none:dev"},
        "NoReadyPod",
        "pods",
        ("localhost/exposedapp/none:dev", "The image cannot be pulled. Check its name"),
    ),
    "crashes": (
        runs("raise SystemExit(3)"),
        "NoReadyPod",
        "pods",
        ("exit code 3", "kubectl logs -n "),
    ),
    "no-such-pods": (
        {"image": None, "selector": {"app": "none"}},
        "NoReadyPod",
        "pods",
        ("has the labels app=none of spec.selector",),
    ),
    "asleep": ({"replicas": 0}, "ScaledToZero", "pods", ("kubectl scale -n ", "--replicas=1")),
    "deaf": (
        {"ports": [{"port": 80, "targetPort": 9999}]},
        "NothingListens",
        "container port",
        ("listens on port 9999", "Set targetPort in spec.ports"),
    ),
    "nowhere": (
        {"nodes": {"selector": {"no": "such-label"}}},
        "NoEligibleNode",
        "node port",
        ("3 not matching spec.nodes.selector", "check `kubectl get nodes` and spec.nodes"),
    ),
    "misnamed": (
        {"nodes": {"host": "no-such-host.invalid"}},
        "UnknownName",
        "url",
        ("does not know no-such-host.invalid", "Check spec.nodes.host"),
    ),
    "mute": (runs(MUTE), "NoAnswer", "url", ("no HTTP response comes", "kubectl logs")),
    "plain": (
        {"ports": [{"port": 80, "targetPort": 8080, "scheme": "https"}]},
        "NoAnswer",
        "url",
        ("does not speak HTTPS", "set appProtocol or scheme"),
    ),
    "failing": (
        runs(SERVER, "503"),
        "AppError",
        "",
        ("The app can be reached", "with HTTP 503", "kubectl logs"),
    ),
    "crowded": (
        {"replicas": 3, **apart("crowded")},
        "NotReady",
        "",
        ("answers, but crowded is not Ready", "Unschedulable", "add a node"),
    ),
    "stalled": ({}, "Stalled", "resource", ("NotOwned", "exposedapp.dev/adopt=true")),
}
"""By name: the spec, the code, the first broken step, and what the paragraph says."""

TCP_AND_UDP = [
    {"name": "web", "port": 80, "targetPort": 8080},
    {"name": "echo", "port": 80, "targetPort": 8080, "protocol": "UDP"},
]
HEALTHY: dict[str, Json] = {
    "web": {"ports": TCP_AND_UDP},
    "one-node": {"nodes": {"selector": {"kubernetes.io/hostname": NODE}}},
    "local": {"service": {"externalTrafficPolicy": "Local"}},
    "inside": {"service": {"type": "ClusterIP"}},
    "picky": runs(SERVER, "404"),
    "elsewhere": {
        "image": None,
        "ports": None,
        "service": {"type": "ExternalName", "externalName": "example.com"},
    },
    # With these something is done while the operator is away.
    "unserved": {},
    "unselected": {},
    "moved": {"replicas": 2, "service": {"externalTrafficPolicy": "Local"}, **apart("moved")},
    "changed": {},
}
FOREIGN: Json = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "stalled"},
    "spec": {"ports": [{"port": 80}]},
}


def without_nulls(spec: Json) -> Json:
    return {key: value for key, value in spec.items() if value is not None}


@pytest.fixture(scope="module")
def ward(cluster: KindCluster, operator: Operator) -> Iterator[Namespace]:
    """All of the apps at once, so that they become ill at the same time."""
    with namespace_of(cluster) as namespace:
        specs = {name: spec for name, (spec, *_) in ILL.items()} | HEALTHY
        apps = [app(name, **spec) for name, spec in specs.items()]
        for body in apps:
            body["spec"] = without_nulls(body["spec"])
        namespace.apply(FOREIGN, *apps)
        yield namespace


@pytest.mark.shares_cluster
@pytest.mark.parametrize("name", ILL)
def test_what_is_wrong(ward: Namespace, name: str) -> None:
    _, code, step, words = ILL[name]
    eventually(partial(says, ward, name, code, step, *words))


@pytest.mark.shares_cluster
def test_who_is_well(ward: Namespace) -> None:
    for name in HEALTHY:
        ward.wait_ready(name)
    tried = eventually(partial(is_well, ward, "web", "UDP and SCTP were not probed"))
    assert [detail.rpartition(": ")[2] for detail in tried] == ["HTTP 200"] * 3 + ["not probed"] * 3
    # Nodes without a pod are not listed, so there is nothing wrong with them.
    (tried_one,) = eventually(partial(is_well, ward, "local", "Every URL"))
    assert tried_one.endswith("HTTP 200")
    assert not is_well(ward, "inside", "ClusterIP has no address outside", "kubectl port-forward")
    assert not is_well(ward, "elsewhere", "get example.com")
    # The way in is open: that the app knows no such page is its own affair.
    tried = eventually(partial(is_well, ward, "picky"))
    assert all(detail.endswith("HTTP 404") for detail in tried)


@pytest.mark.shares_cluster
def test_no_such_app_and_no_cluster(ward: Namespace) -> None:
    code, report = examine(ward, "nobody")
    assert (code, report["code"], broken(report)) == (NO_APP, "NoSuchApp", ["resource"]), report
    assert "no ExposedApp nobody in namespace" in report["diagnosis"]

    done = exposedapp(ward, "doctor", "web", "--context", "none")
    assert (done.code, done.out) == (NO_CLUSTER, ""), done


@pytest.mark.shares_cluster
def test_an_app_that_is_being_deleted(ward: Namespace) -> None:
    going = app("going", replicas=0)
    going["metadata"]["finalizers"] = [FINALIZER]
    ward.apply(going)
    try:
        ward.kubectl("delete", "xapp", "going", "--wait=false")
        says(ward, "going", "BeingDeleted", "resource", "is being deleted")
    finally:
        patch = '{"metadata": {"finalizers": null}}'
        ward.kubectl("patch", "xapp", "going", "--type=merge", "-p", patch)
    ward.kubectl("wait", "xapp/going", "--for=delete", "--timeout=60s")


@contextmanager
def firewall(node: str, port: int, *target: str) -> Iterator[None]:
    """What comes in at one node for a node port meets this target.

    By the port that it came for: kube-proxy has changed it before one may refuse.
    """
    rule = ["FORWARD", "-p", "tcp", "-m", "conntrack", "--ctorigdstport", str(port), "-j", *target]
    on_node(node, "iptables", "-w", "10", "-I", *rule)
    try:
        yield
    finally:
        on_node(node, "iptables", "-w", "10", "-D", *rule)


def node_port(namespace: Namespace, name: str) -> int:
    port: int = namespace.wait_ready(name)["status"]["ports"][0]["nodePort"]
    return port


def address(namespace: Namespace, node: str) -> str:
    path = "-o=jsonpath={.status.addresses[?(@.type=='InternalIP')].address}"
    return namespace.kubectl("get", "node", node, path)


def outcomes(report: Json) -> list[str]:
    """What became of each HTTP URL, sorted."""
    tried = (step["detail"] for step in report["steps"] if step["step"] == "url")
    return sorted(detail.rpartition(": ")[2] for detail in tried if detail.startswith("http"))


DROPS = ("DROP",)
RESETS = ("REJECT", "--reject-with", "tcp-reset")
FORBIDS = ("REJECT", "--reject-with", "icmp-admin-prohibited")
FIREWALLS: dict[str, tuple[str, tuple[str, ...], str, str, tuple[str, ...]]] = {
    "one of three drops": (
        "web",
        DROPS,
        "Filtered",
        "timed out",
        ("while other addresses reply", "Let TCP {port} through", "Until then use http://"),
    ),
    "one of three forbids": (
        "web",
        FORBIDS,
        "Filtered",
        "no route to host",
        ("Let TCP {port} through",),
    ),
    "one of three resets": (
        "web",
        RESETS,
        "Refused",
        "connection refused",
        ("it is the node that refuses", "or a firewall rejects it"),
    ),
    "all drop": (
        "one-node",
        DROPS,
        "NotRoutable",
        "timed out",
        ("Inside the cluster the app answers", "kubectl port-forward -n ", "extraPortMappings"),
    ),
    "all forbid": (
        "one-node",
        FORBIDS,
        "NotRoutable",
        "no route to host",
        ("kubectl port-forward -n ",),
    ),
    "all reset": (
        "one-node",
        RESETS,
        "Refused",
        "connection refused",
        ("it is the node that refuses",),
    ),
}
"""By situation: app, firewall on one node, code, outcome there, and words of the diagnosis."""


@pytest.mark.shares_cluster
@pytest.mark.parametrize("situation", FIREWALLS)
def test_a_firewall(ward: Namespace, situation: str) -> None:
    name, target, code, outcome, words = FIREWALLS[situation]
    port = node_port(ward, name)
    others = ["HTTP 200"] * 2 if name == "web" else []
    place = f"{address(ward, NODE)} ({NODE})"
    expected = (place, *(word.format(port=port) for word in words))

    def is_diagnosed() -> None:
        report = says(ward, name, code, "url", *expected)
        assert outcomes(report) == sorted([outcome, *others]), report

    with firewall(NODE, port, *target):
        eventually(is_diagnosed)
    eventually(partial(is_well, ward, name))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may take a route away")
def test_a_node_to_which_this_machine_has_no_route(ward: Namespace) -> None:
    """The operator can reach it all the while: from here is what a doctor is for."""
    port, host = node_port(ward, "one-node"), address(ward, NODE)
    way_in = "service/one-node 8080:80`, then localhost:8080"
    subprocess.run(["ip", "route", "add", "unreachable", f"{host}/32"], check=True)
    try:
        words = (f"{host} ({NODE})", "no route to the nodes", f"TCP {port}", way_in)
        report = says(ward, "one-node", "NotRoutable", "url", *words)
        assert outcomes(report) == ["no route to host"], report
        assert ward.ready("one-node")["status"] == "True"
    finally:
        subprocess.run(["ip", "route", "del", "unreachable", f"{host}/32"], check=True)


def test_an_operator_that_is_away(ward: Namespace, operator: Operator) -> None:
    """It does not answer, and what happens to the children meanwhile is not put right."""
    for name in ("unserved", "unselected", "moved", "changed"):
        ward.wait_ready(name)
    homes = set(ward.pods_by_node("moved"))
    assert len(homes) == 2
    operator.stop()
    try:
        ward.apply(app("new"), app("changed", replicas=2))
        ward.kubectl("delete", "service", "unserved")
        patch = '{"spec": {"selector": {"app": "none"}}}'
        ward.kubectl("patch", "service", "unselected", "--type=merge", "-p", patch)
        ward.kubectl("scale", "deployment/moved", "--replicas=1")

        advice = "kubectl get pods -A -l app.kubernetes.io/name=exposedapp"
        says(ward, "new", "OperatorSilent", "resource", "observed no generation yet", advice)
        says(ward, "changed", "OperatorSilent", "resource", "observed generation 1", advice)
        eventually(lost_its_service(ward))
        expected = ("none is a ready endpoint of the Service", "kubectl get service -n ")
        eventually(partial(says, ward, "unselected", "NoEndpoint", "endpoints", *expected))
        eventually(lost_its_pod(ward, homes))
    finally:
        operator.start()
    for name in ("new", "changed", "unserved", "unselected", "moved"):
        ward.wait_ready(name)
        eventually(partial(is_well, ward, name))


def lost_its_service(ward: Namespace) -> Callable[[], None]:
    def is_reported() -> None:
        # Without a Service there are no endpoints either; that is not the cause.
        words = "The Service unserved does not exist"
        report = says(ward, "unserved", "NoService", "endpoints", words)
        assert "service" in broken(report), report

    return is_reported


def lost_its_pod(ward: Namespace, homes: set[str]) -> Callable[[], None]:
    def is_reported() -> None:
        (left,) = ward.pods_by_node("moved")
        (lost,) = homes - {left}
        words = (f"runs on {address(ward, lost)} ({lost})", "use another URL", "to Cluster")
        says(ward, "moved", "NoPodOnNode", "url", *words)

    return is_reported
