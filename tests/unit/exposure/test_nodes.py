# SPDX-License-Identifier: Apache-2.0
"""Which nodes forward to an app, and which URLs follow from them."""

import pytest

from exposedapp.api.meta import Json
from exposedapp.api.url_settings import NodesSpec
from exposedapp.exposure.nodes import (
    EXCLUSION_LABEL,
    Node,
    ineligible_reason,
    node_hosts,
    parse_node,
)
from support.objects import node, node_body

LIMIT = NodesSpec().limit
DEFAULT = NodesSpec().address_types

EXTERNAL = ("ExternalIP", "203.0.113.1")
INTERNAL = ("InternalIP", "10.0.0.1")
EXTERNAL_6 = ("ExternalIP", "2001:db8::1")
INTERNAL_6 = ("InternalIP", "fd00::1")
NAME = ("Hostname", "node-1")
NOT_AN_ADDRESS = ("ExternalIP", "node-1.example")


@pytest.mark.parametrize(
    ("addresses", "families", "expected"),
    [
        ([INTERNAL], ["IPv4"], ["10.0.0.1"]),
        ([INTERNAL, EXTERNAL], ["IPv4"], ["203.0.113.1"]),
        ([INTERNAL, ("InternalIP", "10.0.0.2")], ["IPv4"], ["10.0.0.1"]),
        ([NAME, ("ExternalDNS", "n.example"), INTERNAL], ["IPv4"], ["10.0.0.1"]),
        ([NOT_AN_ADDRESS, INTERNAL], ["IPv4"], ["10.0.0.1"]),
        ([INTERNAL, INTERNAL_6], ["IPv4"], ["10.0.0.1"]),
        ([INTERNAL, INTERNAL_6], ["IPv6"], ["fd00::1"]),
        ([INTERNAL, INTERNAL_6], ["IPv6", "IPv4"], ["fd00::1", "10.0.0.1"]),
        ([INTERNAL, EXTERNAL_6, INTERNAL_6], ["IPv4", "IPv6"], ["2001:db8::1"]),
        ([EXTERNAL, EXTERNAL_6, INTERNAL], ["IPv6", "IPv4"], ["2001:db8::1", "203.0.113.1"]),
        ([EXTERNAL_6, INTERNAL], ["IPv4"], ["10.0.0.1"]),
        ([INTERNAL], ["IPv4", "IPv6"], ["10.0.0.1"]),
        ([INTERNAL], ["IPv6"], []),
        ([NAME], ["IPv4"], []),
    ],
    ids=[
        "the only one",
        "external first",
        "first of a type",
        "names are no addresses",
        "a name as an address",
        "IPv4 only",
        "IPv6 only",
        "two families",
        "one type per node",
        "both families of it",
        "external of the other family",
        "one of two families",
        "none of the family",
        "none",
    ],
)
def test_hosts(addresses: list[tuple[str, str]], families: list[str], expected: list[str]) -> None:
    assert node_hosts(node("n", *addresses), DEFAULT, families) == expected


@pytest.mark.parametrize(
    ("given_node", "families", "expected"),
    [
        (node("n"), ["IPv4"], None),
        (node("n", ready=False), ["IPv4"], "not ready"),
        (node("n", deleting=True), ["IPv4"], "being deleted"),
        (node("n", ready=False, deleting=True), ["IPv4"], "being deleted"),
        (node("n", NAME), ["IPv4"], "without an IPv4 address of type ExternalIP or InternalIP"),
        (node("n", INTERNAL), ["IPv6"], "without an IPv6 address of type ExternalIP or InternalIP"),
        (
            node("n", NAME),
            ["IPv4", "IPv6"],
            "without an IPv4 or IPv6 address of type ExternalIP or InternalIP",
        ),
        (node("n", INTERNAL_6), ["IPv4", "IPv6"], None),
    ],
    ids=[
        "forwards",
        "not ready",
        "being deleted",
        "being deleted comes first",
        "no address",
        "no address of the family",
        "no address of either",
        "one family is enough",
    ],
)
def test_why_not(given_node: Node, families: list[str], expected: str | None) -> None:
    assert ineligible_reason(given_node, NodesSpec(), families) == expected


READY: Json = {"type": "Ready", "status": "True"}


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ({"conditions": [READY]}, True),
        ({"conditions": [{"type": "Ready", "status": "False"}]}, False),
        ({"conditions": [{"type": "Ready", "status": "Unknown"}]}, False),
        ({"conditions": [{"type": "DiskPressure", "status": "True"}]}, False),
        ({"conditions": None}, False),
        ({}, False),
        (None, False),
    ],
    ids=["ready", "not ready", "lost", "another condition", "null", "absent", "no status"],
)
def test_a_node_is_ready_when_it_says_so(status: Json | None, expected: bool) -> None:
    assert parse_node({"metadata": {"name": "n"}, "status": status}).ready is expected


@pytest.mark.parametrize(
    ("endpoints", "expected"),
    [
        ({"kubeletEndpoint": {"Port": 10250}}, 10250),
        ({"kubeletEndpoint": {"Port": 0}}, None),
        ({}, None),
    ],
    ids=["a kubelet", "no machine", "not said"],
)
def test_the_port_of_the_kubelet(endpoints: Json, expected: int | None) -> None:
    body = node_body("n")
    body["status"]["daemonEndpoints"] = endpoints
    assert parse_node(body).kubelet_port == expected


def test_parse_node() -> None:
    parsed = parse_node(node_body("n", "10.0.0.7", deletionTimestamp="2026-01-01T00:00:00Z"))
    addresses = (("InternalIP", "10.0.0.7"), ("Hostname", "n"))
    assert parsed == Node("n", ready=True, deleting=True, addresses=addresses)


def test_a_cordoned_node_forwards() -> None:
    body = {**node_body("n"), "spec": {"unschedulable": True}}
    assert ineligible_reason(parse_node(body), NodesSpec(), ["IPv4"]) is None


# --- what users of others complained about, by their threads --------------------------------------

EXCLUDED = {EXCLUSION_LABEL: ""}
CONTROL_PLANE = {"node-role.kubernetes.io/control-plane": ""}
DUAL = ["IPv4", "IPv6"]


def spec(**given: object) -> NodesSpec:
    return NodesSpec.model_validate(given)


def cordoned() -> Node:
    taint = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}
    return parse_node({**node_body("n"), "spec": {"unschedulable": True, "taints": [taint]}})


def tainted(key: str) -> Node:
    return parse_node({**node_body("n"), "spec": {"taints": [{"key": key}]}})


LISTED: dict[str, tuple[Node, NodesSpec]] = {
    "external-dns#5669 a cordoned node": (cordoned(), spec()),
    "external-dns#830 the control plane": (node("n", labels=CONTROL_PLANE), spec()),
    "as kubeadm labels it": (node("n", labels=CONTROL_PLANE | EXCLUDED), spec()),
    "KubeVela#5129 no label asked for": (node("n", labels={"gateway": "no"}), spec()),
    "the selector's labels": (
        node("n", labels={"a": "b", "c": "d"}),
        spec(selector={"a": "b", "c": "d"}),
    ),
    "another taint": (tainted("example.com/gpu"), spec()),
}

NOT_LISTED: dict[str, tuple[Node, NodesSpec, str]] = {
    "external-dns#1112 not ready": (node("n", ready=False), spec(), "not ready"),
    "excluded by label": (
        node("n", labels=EXCLUDED),
        spec(),
        f"excluded (label {EXCLUSION_LABEL})",
    ),
    "Rancher#17876 no address": (
        Node("n", ready=True, deleting=False, addresses=()),
        spec(),
        "without an IPv4 address of type ExternalIP or InternalIP",
    ),
    "Rancher#29833 another label": (
        node("n", labels={"role": "db"}),
        spec(selector={"role": "edge"}),
        "not matching spec.nodes.selector",
    ),
    "the autoscaler takes it": (
        tainted("ToBeDeletedByClusterAutoscaler"),
        spec(),
        "being removed (taint ToBeDeletedByClusterAutoscaler)",
    ),
    "Karpenter takes it": (
        tainted("karpenter.sh/disrupted"),
        spec(),
        "being removed (taint karpenter.sh/disrupted)",
    ),
    "the provider shuts it down": (
        tainted("node.cloudprovider.kubernetes.io/shutdown"),
        spec(),
        "being removed (taint node.cloudprovider.kubernetes.io/shutdown)",
    ),
}

ADDRESSES: dict[str, tuple[list[tuple[str, str]], NodesSpec, list[str], list[str]]] = {
    "external-dns#5651 an internal IPv6 address stays inside": (
        [EXTERNAL, INTERNAL, INTERNAL_6],
        spec(),
        DUAL,
        ["203.0.113.1"],
    ),
    "Envoy Gateway#6371 both addresses of a dual-stack node": (
        [INTERNAL, INTERNAL_6],
        spec(),
        DUAL,
        ["10.0.0.1", "fd00::1"],
    ),
    "Strimzi#3458 several addresses of one type": (
        [INTERNAL, ("InternalIP", "10.0.0.9"), INTERNAL_6, ("InternalIP", "fd00::9")],
        spec(),
        DUAL,
        ["10.0.0.1", "fd00::1"],
    ),
    "Strimzi#2355 the internal address asked for": (
        [EXTERNAL, INTERNAL],
        spec(addressTypes=["InternalIP"]),
        ["IPv4"],
        ["10.0.0.1"],
    ),
    "Strimzi#9791 a name asked for": (
        [INTERNAL, NAME],
        spec(addressTypes=["Hostname"]),
        DUAL,
        ["node-1"],
    ),
    "Strimzi#2377 a name, else an address": (
        [INTERNAL],
        spec(addressTypes=["ExternalDNS", "InternalIP"]),
        ["IPv4"],
        ["10.0.0.1"],
    ),
}


@pytest.mark.parametrize(("given_node", "nodes_spec"), LISTED.values(), ids=LISTED.keys())
def test_listed(given_node: Node, nodes_spec: NodesSpec) -> None:
    assert ineligible_reason(given_node, nodes_spec, ["IPv4"]) is None


@pytest.mark.parametrize(
    ("given_node", "nodes_spec", "reason"), NOT_LISTED.values(), ids=NOT_LISTED.keys()
)
def test_not_listed(given_node: Node, nodes_spec: NodesSpec, reason: str) -> None:
    assert ineligible_reason(given_node, nodes_spec, ["IPv4"]) == reason


@pytest.mark.parametrize(
    ("addresses", "nodes_spec", "families", "expected"), ADDRESSES.values(), ids=ADDRESSES.keys()
)
def test_addresses(
    addresses: list[tuple[str, str]],
    nodes_spec: NodesSpec,
    families: list[str],
    expected: list[str],
) -> None:
    assert node_hosts(node("n", *addresses), nodes_spec.address_types, families) == expected


USELESS = {
    "no text": "",
    "Python's nothing": "None",
    "Rancher#17876 Go's nothing": "<nil>",
    "kubectl's nothing": "<none>",
    "JSON's nothing": "null",
    "any address, IPv4": "0.0.0.0",  # noqa: S104 - not listened at
    "any address, IPv6": "::",
    "an address with a zone": "fe80::1%eth0",
    "a zone where none is needed": "fd00::1%eth0",
    "an address of the link": "169.254.1.1",
    "an IPv6 address of the link": "fe80::1",
    "an address of many": "224.0.0.1",
    "an IPv6 address of many": "ff02::1",
    "with a port": "10.0.0.1:8080",
    "with a scheme": "http://node-1",
    "in brackets": "[fd00::1]",
    "no name that DNS has": "node_1",
    "two words": "node 1",
    "a label too long": "n" * 64,
    "too long": ".".join(["n" * 63] * 4),
    "nearly an address": "10.0.0.256",
    "a number": "12",
}


@pytest.mark.parametrize("text", USELESS.values(), ids=USELESS.keys())
@pytest.mark.parametrize("kind", ["Hostname", "ExternalDNS", "ExternalIP"])
def test_what_no_url_can_have_is_no_address(kind: str, text: str) -> None:
    both = spec(addressTypes=[kind, "InternalIP"])
    for families in (["IPv4"], DUAL):
        hosts = node_hosts(node("n", (kind, text), INTERNAL), both.address_types, families)
        assert hosts == ["10.0.0.1"]
    alone = spec(addressTypes=[kind])
    assert node_hosts(node("n", (kind, text)), alone.address_types, DUAL) == []
    reason = f"without a usable IPv4 or IPv6 address of type {kind}"
    assert ineligible_reason(node("n", (kind, text)), alone, DUAL) == reason


def test_the_next_of_a_type_is_taken_when_the_first_is_useless() -> None:
    two = node("n", ("InternalIP", "fe80::1"), ("InternalIP", "fd00::7"))
    assert node_hosts(two, DEFAULT, ["IPv6"]) == ["fd00::7"]


@pytest.mark.parametrize(
    ("address", "families", "expected"),
    [
        ("fd00::1", ["IPv4"], []),
        ("fd00::1", ["IPv6"], ["fd00::1"]),
        ("10.0.0.1", ["IPv6"], []),
        ("10.0.0.1", DUAL, ["10.0.0.1"]),
        ("Node-1.Example", ["IPv6"], ["node-1.example"]),
        ("1node", ["IPv4"], ["1node"]),
        ("12-34", ["IPv4"], ["12-34"]),
        ("127.0.0.7", ["IPv4"], ["127.0.0.7"]),
    ],
)
def test_what_stands_under_a_name_type(
    address: str, families: list[str], expected: list[str]
) -> None:
    assert node_hosts(node("n", ("Hostname", address)), ["Hostname"], families) == expected


def test_behind_another_host_a_node_needs_no_address() -> None:
    nodes_spec = spec(host="lb.example.com")
    assert ineligible_reason(node("n", NAME), nodes_spec, ["IPv4"]) is None
    assert ineligible_reason(node("n", NAME, ready=False), nodes_spec, ["IPv4"]) == "not ready"
