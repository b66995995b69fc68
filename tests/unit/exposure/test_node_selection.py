# SPDX-License-Identifier: Apache-2.0
"""Which nodes are eligible, and which an app lists, while nodes are added, changed and deleted."""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exposedapp.api.url_settings import NodesSpec
from exposedapp.exposure import node_selection
from exposedapp.exposure.node_groups import NodeGroups
from exposedapp.exposure.node_selection import (
    MAX_LABEL_GROUPS,
    MIN_COMPACTION_SIZE,
    NodeIndex,
)
from exposedapp.exposure.nodes import (
    Node,
    ineligible_reason,
    node_address_type,
    node_hosts,
    not_forwarding_reason,
)
from exposedapp.exposure.rendezvous import select_nodes
from support.objects import node

LIMIT = NodesSpec().limit
INTERNAL = ("InternalIP", "10.0.0.1")
NAME = ("Hostname", "node-1")

ADDRESSES = st.lists(
    st.sampled_from([INTERNAL, NAME, ("ExternalIP", "203.0.113.1"), ("InternalIP", "fd00::1")]),
    min_size=1,
    max_size=2,
)
LABELS = st.dictionaries(st.sampled_from(["zone", "disk"]), st.sampled_from("ab"))


@st.composite
def clusters(draw: st.DrawFn) -> list[Node]:
    names = draw(st.sets(st.integers(0, 30).map(lambda number: f"node-{number}")))
    return [
        node(
            name,
            *draw(ADDRESSES),
            ready=draw(st.booleans()),
            deleting=draw(st.sampled_from([False, False, False, True])),
            labels=draw(LABELS),
        )
        for name in sorted(names)
    ]


SPECS = st.builds(
    lambda **fields: NodesSpec(**{key: value for key, value in fields.items() if value}),
    selector=LABELS,
    host=st.sampled_from([None, None, "lb.example.com"]),
    address_types=st.sampled_from([None, ["Hostname"], ["ExternalIP"]]),
    limit=st.sampled_from([1, 4, LIMIT]),
)
FAMILIES = st.sampled_from([["IPv4"], ["IPv6"], ["IPv4", "IPv6"]])


def selected_by_preference(
    uid: str, spec: NodesSpec, families: list[str], nodes: list[Node], names: list[str]
) -> list[str]:
    """Nodes with the first type of address, in the app's order, then those with the next."""
    if spec.host:
        return select_nodes(uid, names, spec.limit)
    types = {node.name: node_address_type(node, spec.address_types, families) for node in nodes}
    selected: list[str] = []
    for address_type in spec.address_types:
        of_type = [name for name in names if types[name] == address_type]
        selected += select_nodes(uid, of_type, spec.limit)
    return selected[: spec.limit]


@given(
    st.lists(clusters(), min_size=1, max_size=5), st.lists(st.tuples(SPECS, FAMILIES), max_size=4)
)
def test_the_index_answers_like_a_computation_from_all_nodes(
    history: list[list[Node]], questions: list[tuple[NodesSpec, list[str]]]
) -> None:
    index = NodeIndex()
    for nodes in history:
        index.replace(nodes)
        for number, (spec, families) in enumerate(questions):
            reasons = {node.name: ineligible_reason(node, spec, families) for node in nodes}
            names = [name for name, reason in reasons.items() if reason is None]
            eligibility = index.eligibility(spec, families)
            assert eligibility.count == len(names)
            assert eligibility.ineligible_counts() == Counter(filter(None, reasons.values()))
            for candidate in nodes:
                eligible = candidate if candidate.name in names else None
                hosts = node_hosts(candidate, spec.address_types, families)
                assert eligibility.node(candidate.name) == eligible
                assert eligibility.hosts(candidate) == hosts
            # Two apps that share a spec, and one with another spec each time.
            for uid in ("u1", f"u-{number}", "u2"):
                selected = selected_by_preference(uid, spec, families, nodes, names)
                assert list(eligibility.select(uid, spec.limit)) == selected


def test_a_node_that_is_unknown_is_not_eligible() -> None:
    assert NodeIndex([node("a")]).eligibility(NodesSpec(), ["IPv4"]).node("b") is None


def test_reasons_are_counted() -> None:
    not_ready = [node(name, INTERNAL, ready=False) for name in "bc"]
    index = NodeIndex([node("a", INTERNAL), *not_ready, node("d", NAME)])
    eligibility = index.eligibility(NodesSpec(), ["IPv4"])
    assert eligibility.node("a") == node("a", INTERNAL)
    assert eligibility.ineligible_counts() == {
        "not ready": 2,
        "without an IPv4 address of type ExternalIP or InternalIP": 1,
    }


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of nodes that each call of select_nodes() hashed."""
    counts: list[int] = []

    def counting(uid: str, names: Iterable[str], limit: int) -> list[str]:
        names = list(names)
        counts.append(len(names))
        return select_nodes(uid, names, limit)

    monkeypatch.setattr(node_selection, "select_nodes", counting)
    return counts


def select(index: NodeIndex, **spec: Any) -> list[str]:
    return list(index.eligibility(NodesSpec(**spec), ["IPv4"]).select("u1", LIMIT))


def test_a_change_of_one_node_costs_no_hash_of_the_others(hashed: list[int]) -> None:
    nodes = [node(f"node-{number}", INTERNAL) for number in range(200)]
    index = NodeIndex(nodes)
    listed = select(index)
    unlisted = next(candidate for candidate in nodes if candidate.name not in listed)
    index.replace([other for other in nodes if other is not unlisted])
    select(index)  # the deleted node was not listed: nothing to hash
    index.replace(nodes)
    select(index)
    select(index)
    assert hashed == [200, LIMIT + 1]


@pytest.fixture
def grouped(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The name of each node, each time that it is put into a group or taken out of one."""
    names: list[str] = []

    def recording(node: Node) -> str | None:
        names.append(node.name)
        return not_forwarding_reason(node)

    monkeypatch.setattr(node_selection, "not_forwarding_reason", recording)
    return names


def test_only_nodes_that_differ_are_grouped_again(grouped: list[str]) -> None:
    nodes = [node(f"node-{number}", INTERNAL) for number in range(50)]
    index = NodeIndex(nodes)
    grouped.clear()
    index.replace([*nodes[1:], node("node-0", INTERNAL, ready=False)])
    assert set(grouped) == {"node-0"}
    grouped.clear()
    index.replace([*nodes[1:], node("node-0", INTERNAL, ready=False)])
    assert grouped == []


def test_any_number_of_selectors_is_answered_from_the_same_groups(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    created: list[object] = []

    class Recorded(NodeGroups):
        def __init__(self, value_of: Callable[[Node], str | None]) -> None:
            created.append(value_of)
            super().__init__(value_of)

    monkeypatch.setattr(node_selection, "NodeGroups", Recorded)
    nodes = [node(f"n{number}", labels={"host": str(number)}) for number in range(500)]
    index = NodeIndex(nodes)
    for _ in range(2):
        for number in range(500):
            assert select(index, selector={"host": str(number)}) == [f"n{number}"]
    assert (
        len(created) == 4
    )  # by forwarding, by the label, by whether there is an address, by its type


def test_what_is_kept_is_bounded() -> None:
    labels = {f"key-{number}": "a" for number in range(MAX_LABEL_GROUPS + 10)}
    index = NodeIndex([node("n", labels=labels)])
    for _ in range(2):
        for key in labels:
            assert select(index, selector={key: "a"}) == ["n"]
    assert len(index._labels) == MAX_LABEL_GROUPS


def test_positions_of_removed_nodes_are_not_kept_for_ever() -> None:
    index = NodeIndex()
    for number in range(3 * MIN_COMPACTION_SIZE):
        index.replace([node(f"node-{number}", INTERNAL), node("stays", INTERNAL)])
        assert set(select(index)) == {f"node-{number}", "stays"}
    assert len(index._nodes) <= MIN_COMPACTION_SIZE
