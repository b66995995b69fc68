# SPDX-License-Identifier: Apache-2.0
"""Which of many nodes an app prefers."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from exposedapp.api.url_settings import NodesSpec
from exposedapp.exposure.rendezvous import select_nodes

LIMIT = NodesSpec().limit
UIDS = st.integers(0, 10_000).map(lambda number: f"uid-{number}")
NODES = st.integers(0, 60).map(lambda count: [f"node-{number}" for number in range(count)])


@given(UIDS, st.integers(0, LIMIT))
def test_as_many_as_fit_are_all_taken(uid: str, count: int) -> None:
    nodes = [f"node-{number}" for number in range(count)]
    assert sorted(select_nodes(uid, nodes, LIMIT)) == sorted(nodes)


@given(UIDS, NODES, st.integers(0, LIMIT))
def test_the_first_ones_are_those_of_a_smaller_limit(
    uid: str, nodes: list[str], limit: int
) -> None:
    # A status without room for all takes the first ones, and is as stable.
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
    removed = data.draw(st.sampled_from(nodes))
    before = set(select_nodes(uid, nodes, LIMIT))
    after = set(select_nodes(uid, [node for node in nodes if node != removed], LIMIT))
    if removed in before:
        assert before - after == {removed}
        assert len(after - before) == min(1, max(0, len(nodes) - LIMIT))
    else:
        assert after == before


def test_apps_are_spread_over_all_nodes() -> None:
    nodes = [f"node-{number}" for number in range(100)]
    apps = [f"uid-{number}" for number in range(500)]
    taken = [name for uid in apps for name in select_nodes(uid, nodes, LIMIT)]
    counts = {node: taken.count(node) for node in nodes}
    # 80 each on average, with a standard deviation of about 8.
    assert min(counts.values()) > 40
    assert max(counts.values()) < 120
