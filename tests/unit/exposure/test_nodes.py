"""Which nodes forward to an app, and which URLs follow from them."""

from collections.abc import Iterable
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exposedapp.api.meta import Json
from exposedapp.api.url_settings import NodesSpec
from exposedapp.exposure import node_selection as nodes_module
from exposedapp.exposure.node_selection import MAX_ELIGIBILITIES, NodeIndex, select_nodes
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


@pytest.mark.parametrize(("found", "wanted"), LISTED.values(), ids=LISTED.keys())
def test_listed(found: Node, wanted: NodesSpec) -> None:
    assert ineligible_reason(found, wanted, ["IPv4"]) is None


@pytest.mark.parametrize(("found", "wanted", "why"), NOT_LISTED.values(), ids=NOT_LISTED.keys())
def test_not_listed(found: Node, wanted: NodesSpec, why: str) -> None:
    assert ineligible_reason(found, wanted, ["IPv4"]) == why


@pytest.mark.parametrize(
    ("addresses", "wanted", "families", "expected"), ADDRESSES.values(), ids=ADDRESSES.keys()
)
def test_addresses(
    addresses: list[tuple[str, str]], wanted: NodesSpec, families: list[str], expected: list[str]
) -> None:
    assert node_hosts(node("n", *addresses), wanted.address_types, families) == expected


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
    wanted = spec(addressTypes=[kind, "InternalIP"])
    for families in (["IPv4"], DUAL):
        assert node_hosts(node("n", (kind, text), INTERNAL), wanted.address_types, families) == [
            "10.0.0.1"
        ]
    alone = spec(addressTypes=[kind])
    assert node_hosts(node("n", (kind, text)), alone.address_types, DUAL) == []
    said = f"without a usable IPv4 or IPv6 address of type {kind}"
    assert ineligible_reason(node("n", (kind, text)), alone, DUAL) == said


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
    behind = spec(host="lb.example.com")
    assert ineligible_reason(node("n", NAME), behind, ["IPv4"]) is None
    assert ineligible_reason(node("n", NAME, ready=False), behind, ["IPv4"]) == "not ready"


# --- choose -------------------------------------------------------------------------------------

UIDS = st.integers(0, 10_000).map(lambda number: f"uid-{number}")
NODES_OF_MANY = st.sets(st.integers(0, 40).map(lambda number: f"node-{number}"))
NODES = st.integers(0, 60).map(lambda count: [f"node-{number}" for number in range(count)])


@given(UIDS, st.integers(0, LIMIT))
def test_as_many_as_fit_are_all_taken(uid: str, count: int) -> None:
    nodes = [f"node-{number}" for number in range(count)]
    assert sorted(select_nodes(uid, nodes, LIMIT)) == sorted(nodes)


@given(UIDS, NODES, st.integers(0, LIMIT))
def test_the_first_ones_are_those_of_a_smaller_limit(
    uid: str, nodes: list[str], limit: int
) -> None:
    # So a status that has no room for all takes the first ones, and stays as stable.
    assert select_nodes(uid, nodes, LIMIT)[:limit] == select_nodes(uid, nodes, limit)


@given(UIDS, NODES, st.randoms(use_true_random=False))
def test_the_choice_is_bounded_and_does_not_depend_on_the_order(
    uid: str, nodes: list[str], dice: Random
) -> None:
    chosen = select_nodes(uid, nodes, LIMIT)
    assert len(chosen) == len(set(chosen)) == min(len(nodes), LIMIT)
    assert set(chosen) <= set(nodes)
    shuffled = nodes.copy()
    dice.shuffle(shuffled)
    assert set(select_nodes(uid, shuffled, LIMIT)) == set(chosen)


@given(UIDS, NODES.filter(lambda nodes: len(nodes) > 1), st.data())
def test_only_apps_that_list_a_removed_node_change(
    uid: str, nodes: list[str], data: st.DataObject
) -> None:
    gone = data.draw(st.sampled_from(nodes))
    before = set(select_nodes(uid, nodes, LIMIT))
    after = set(select_nodes(uid, [it for it in nodes if it != gone], LIMIT))
    if gone in before:
        assert before - after == {gone}
        assert len(after - before) == min(1, max(0, len(nodes) - LIMIT))
    else:
        assert after == before


def test_apps_are_spread_over_all_nodes() -> None:
    nodes = [f"node-{number}" for number in range(100)]
    apps = [f"uid-{number}" for number in range(500)]
    taken = [name for uid in apps for name in select_nodes(uid, nodes, LIMIT)]
    counts = {it: taken.count(it) for it in nodes}
    # 80 each on average, with a standard deviation of about 8.
    assert min(counts.values()) > 40
    assert max(counts.values()) < 120


# --- eligibility ----------------------------------------------------------------------------------


def test_what_follows_from_the_nodes_is_worked_out_once_for_all_who_ask_the_same() -> None:
    nodes = NodeIndex([node("a", INTERNAL), node("b", INTERNAL)])
    first = nodes.eligibility(NodesSpec(), ["IPv4"])
    assert nodes.eligibility(NodesSpec(limit=1), ["IPv4"]) is first
    assert nodes.eligibility(NodesSpec(selector={"zone": "a"}), ["IPv4"]) is not first
    assert nodes.eligibility(NodesSpec(), ["IPv4", "IPv6"]) is not first
    assert nodes.eligibility(NodesSpec(address_types=["Hostname"]), ["IPv4"]) is not first


def test_behind_another_host_the_addresses_do_not_matter() -> None:
    nodes = NodeIndex([node("a", NAME)])
    assert nodes.eligibility(NodesSpec(host="a.example"), ["IPv4"]).hosts == {"a": []}
    assert nodes.eligibility(NodesSpec(), ["IPv4"]).hosts == {}
    first = nodes.eligibility(NodesSpec(host="b.example", address_types=["Hostname"]), ["IPv6"])
    assert first is nodes.eligibility(NodesSpec(host="a.example"), ["IPv4"])


def test_not_all_that_was_ever_asked_for_is_kept() -> None:
    nodes = NodeIndex([node("a", INTERNAL)])
    for zone in range(MAX_ELIGIBILITIES * 2):
        last = nodes.eligibility(NodesSpec(selector={"zone": str(zone)}), ["IPv4"])
    assert len(nodes.eligibilities) == MAX_ELIGIBILITIES
    assert nodes.eligibility(NodesSpec(selector={"zone": str(zone)}), ["IPv4"]) is last


def test_a_choice_that_is_kept_is_the_same_choice() -> None:
    names = [f"node-{number}" for number in range(40)]
    eligibility = NodeIndex(node(it, INTERNAL) for it in names).eligibility(NodesSpec(), ["IPv4"])
    for limit in (4, LIMIT):
        for uid in ("u1", "u2"):
            for _ in range(2):
                assert eligibility.select(uid, limit) == select_nodes(uid, names, limit)


@given(st.lists(NODES_OF_MANY, min_size=2, max_size=5), st.sampled_from([1, 4, LIMIT]))
def test_a_choice_that_follows_from_the_one_before_is_the_same_choice(
    times: list[set[str]], limit: int
) -> None:
    nodes = NodeIndex(())
    for names in times:
        nodes = NodeIndex([node(it, INTERNAL) for it in sorted(names)], nodes)
        eligibility = nodes.eligibility(NodesSpec(), ["IPv4"])
        for uid in ("u1", "u2", "u3"):
            assert eligibility.select(uid, limit) == select_nodes(uid, names, limit)


def test_a_change_of_one_node_is_not_worked_out_from_all_of_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked_at: list[int] = []

    def counted(uid: str, names: Iterable[str], limit: int) -> list[str]:
        names = list(names)
        looked_at.append(len(names))
        return select_nodes(uid, names, limit)

    monkeypatch.setattr(nodes_module, "select_nodes", counted)
    known = [node(f"node-{number}", INTERNAL) for number in range(200)]
    nodes = NodeIndex(known)
    listed = nodes.eligibility(NodesSpec(), ["IPv4"]).select("u1", LIMIT)
    gone = next(it for it in known if it.name not in listed)
    fewer = NodeIndex([it for it in known if it is not gone], nodes)
    fewer.eligibility(NodesSpec(), ["IPv4"]).select("u1", LIMIT)
    NodeIndex(known, fewer).eligibility(NodesSpec(), ["IPv4"]).select("u1", LIMIT)
    assert looked_at == [200, LIMIT, LIMIT + 1]


def test_a_survey_counts_why_nodes_do_not_forward() -> None:
    away = [node(it, INTERNAL, ready=False) for it in "bc"]
    known = [node("a", INTERNAL), *away, node("d", NAME)]
    eligibility = NodeIndex(known).eligibility(NodesSpec(), ["IPv4"])
    assert eligibility.hosts == {"a": ["10.0.0.1"]}
    assert eligibility.ineligible_counts == {
        "not ready": 2,
        "without an IPv4 address of type ExternalIP or InternalIP": 1,
    }
