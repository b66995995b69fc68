"""Which nodes forward to an app, and which URLs follow from them."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exposedapp.nodes import LIMIT, Node, choose, hosts, parse_node, why_not
from exposedapp.schema import Json
from unit.objects import node, node_body

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
        ([INTERNAL, EXTERNAL_6, INTERNAL_6], ["IPv4", "IPv6"], ["10.0.0.1", "2001:db8::1"]),
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
        "type per family",
        "external of the other family",
        "one of two families",
        "none of the family",
        "none",
    ],
)
def test_hosts(addresses: list[tuple[str, str]], families: list[str], expected: list[str]) -> None:
    assert hosts(node("n", *addresses), families) == expected


@pytest.mark.parametrize(
    ("given_node", "families", "expected"),
    [
        (node("n"), ["IPv4"], None),
        (node("n", ready=False), ["IPv4"], "not ready"),
        (node("n", deleting=True), ["IPv4"], "being deleted"),
        (node("n", ready=False, deleting=True), ["IPv4"], "being deleted"),
        (node("n", NAME), ["IPv4"], "without an IPv4 address"),
        (node("n", INTERNAL), ["IPv6"], "without an IPv6 address"),
        (node("n", NAME), ["IPv4", "IPv6"], "without an IPv4 or IPv6 address"),
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
    assert why_not(given_node, families) == expected


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
    assert why_not(parse_node(body), ["IPv4"]) is None


# --- choose -------------------------------------------------------------------------------------

UIDS = st.integers(0, 10_000).map(lambda number: f"uid-{number}")
NODES = st.integers(0, 60).map(lambda count: [node(f"node-{number}") for number in range(count)])


def names(chosen: list[Node]) -> set[str]:
    return {it.name for it in chosen}


@given(UIDS, st.integers(0, LIMIT))
def test_as_many_as_fit_are_all_taken(uid: str, count: int) -> None:
    nodes = [node(f"node-{number}") for number in range(count)]
    assert choose(uid, nodes) == nodes


@given(UIDS, NODES, st.randoms(use_true_random=False))
def test_the_choice_is_bounded_and_does_not_depend_on_the_order(
    uid: str, nodes: list[Node], dice: Random
) -> None:
    chosen = choose(uid, nodes)
    assert len(chosen) == len(names(chosen)) == min(len(nodes), LIMIT)
    assert names(chosen) <= names(nodes)
    shuffled = nodes.copy()
    dice.shuffle(shuffled)
    assert names(choose(uid, shuffled)) == names(chosen)


@given(UIDS, NODES.filter(lambda nodes: len(nodes) > 1), st.data())
def test_only_apps_that_list_a_removed_node_change(
    uid: str, nodes: list[Node], data: st.DataObject
) -> None:
    gone = data.draw(st.sampled_from(nodes))
    before = names(choose(uid, nodes))
    after = names(choose(uid, [it for it in nodes if it != gone]))
    if gone.name in before:
        assert before - after == {gone.name}
        assert len(after - before) == min(1, max(0, len(nodes) - LIMIT))
    else:
        assert after == before


def test_apps_are_spread_over_all_nodes() -> None:
    nodes = [node(f"node-{number}") for number in range(100)]
    apps = [f"uid-{number}" for number in range(500)]
    taken = [name for uid in apps for name in names(choose(uid, nodes))]
    counts = {it.name: taken.count(it.name) for it in nodes}
    # 80 each on average, with a standard deviation of about 8.
    assert min(counts.values()) > 40
    assert max(counts.values()) < 120
