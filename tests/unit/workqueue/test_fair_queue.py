# SPDX-License-Identifier: Apache-2.0
"""Which key is next: priorities, and fairness between flows."""

from collections import Counter
from itertools import islice

import pytest

from exposedapp.workqueue.fair_queue import FairQueue
from exposedapp.workqueue.priority import Priority

LOW_PRIORITY_EVERY = 4


def make_queue() -> FairQueue[str]:
    """Keys are written namespace/name; a namespace is a flow."""
    return FairQueue(lambda key: key.partition("/")[0], LOW_PRIORITY_EVERY)


def drain(queue: FairQueue[str], maximum: int = 1000) -> list[str]:
    return [queue.pop()[0] for _ in range(min(len(queue), maximum))]


def test_first_come_first_served() -> None:
    queue = make_queue()
    for key in ("a/1", "a/2", "a/3"):
        queue.add(key, Priority.NORMAL)
    assert len(queue) == 3
    assert drain(queue) == ["a/1", "a/2", "a/3"]
    assert len(queue) == 0
    with pytest.raises(IndexError):
        queue.pop()


def test_a_key_waits_once() -> None:
    queue = make_queue()
    for _ in range(3):
        queue.add("a/1", Priority.LOW)
    assert drain(queue) == ["a/1"]


@pytest.mark.parametrize("storm", [Priority.NORMAL, Priority.LOW])
def test_a_change_does_not_wait_behind_a_storm(storm: Priority) -> None:
    queue = make_queue()
    for number in range(500):
        queue.add(f"a/{number}", storm)
    queue.add("a/mine", Priority.HIGH)
    assert "a/mine" in drain(queue, 1)


@pytest.mark.parametrize("priority", list(Priority))
def test_one_namespace_does_not_wait_behind_another(priority: Priority) -> None:
    queue = make_queue()
    for number in range(500):
        queue.add(f"a/{number}", priority)
    queue.add("b/mine", priority)
    assert "b/mine" in drain(queue, 2)


def test_a_key_that_becomes_urgent_moves_forward_and_comes_once() -> None:
    queue = make_queue()
    for number in range(100):
        queue.add(f"a/{number}", Priority.LOW)
    queue.add("a/99", Priority.HIGH)
    assert len(queue) == 100
    keys = drain(queue)
    assert keys[0] == "a/99"
    assert sorted(keys) == sorted(f"a/{number}" for number in range(100))


def test_a_key_does_not_move_back() -> None:
    queue = make_queue()
    queue.add("a/2", Priority.HIGH)
    queue.add("a/2", Priority.LOW)
    queue.add("a/1", Priority.NORMAL)
    assert drain(queue) == ["a/2", "a/1"]


def test_a_key_that_is_added_again_after_it_moved_forward() -> None:
    """The entry that was left behind must not count."""
    queue = make_queue()
    queue.add("a/1", Priority.LOW)
    queue.add("a/1", Priority.NORMAL)
    assert queue.pop() == ("a/1", Priority.NORMAL)
    queue.add("a/1", Priority.LOW)
    assert drain(queue) == ["a/1"]
    with pytest.raises(IndexError):
        queue.pop()


def test_low_priority_is_never_starved() -> None:
    queue = make_queue()
    queue.add("a/low", Priority.LOW)

    def pop_beside_a_busy_key() -> str:
        queue.add("a/busy", Priority.HIGH)
        return queue.pop()[0]

    assert "a/low" in [pop_beside_a_busy_key() for _ in islice(range(100), LOW_PRIORITY_EVERY)]


@pytest.mark.parametrize("starving", [Priority.NORMAL, Priority.LOW])
def test_no_priority_starves_while_the_others_always_have_keys(starving: Priority) -> None:
    """A new app among changes and resyncs that never end, and the reverse."""
    queue = make_queue()
    queue.add("mine/waiting", starving)
    keys = []
    for number in range(2 * LOW_PRIORITY_EVERY):
        for priority in {*Priority} - {starving}:
            queue.add(f"other/{priority.name}-{number}", priority)
        keys.append(queue.pop()[0])
    assert "mine/waiting" in keys


def test_most_turns_are_for_changes() -> None:
    queue = make_queue()
    served: Counter[Priority] = Counter()
    for number in range(100 * LOW_PRIORITY_EVERY):
        for priority in Priority:
            queue.add(f"a/{priority.name}-{number}", priority)
        served[queue.pop()[1]] += 1
    others = 100 / 2
    assert served == {Priority.HIGH: 300, Priority.NORMAL: others, Priority.LOW: others}
