"""Which key is next."""

from itertools import islice

import pytest

from exposedapp.workqueue.fair_queue import SWEEP_EVERY, Lanes
from exposedapp.workqueue.priority import Lane


def lanes() -> Lanes[str]:
    """Keys are written namespace/name."""
    return Lanes(lambda key: key.partition("/")[0])


def drain(waiting: Lanes[str], most: int = 1000) -> list[str]:
    return [waiting.pop()[0] for _ in range(min(len(waiting), most))]


def test_first_come_first_served() -> None:
    waiting = lanes()
    for key in ("a/1", "a/2", "a/3"):
        waiting.add(key, Lane.NEW)
    assert len(waiting) == 3
    assert drain(waiting) == ["a/1", "a/2", "a/3"]
    assert len(waiting) == 0
    with pytest.raises(IndexError):
        waiting.pop()


def test_a_key_waits_once() -> None:
    waiting = lanes()
    for _ in range(3):
        waiting.add("a/1", Lane.SWEEP)
    assert drain(waiting) == ["a/1"]


@pytest.mark.parametrize("storm", [Lane.NEW, Lane.SWEEP])
def test_a_change_does_not_wait_behind_a_storm(storm: Lane) -> None:
    waiting = lanes()
    for number in range(500):
        waiting.add(f"a/{number}", storm)
    waiting.add("a/mine", Lane.CHANGED)
    assert "a/mine" in drain(waiting, 1)


@pytest.mark.parametrize("lane", list(Lane))
def test_one_namespace_does_not_wait_behind_another(lane: Lane) -> None:
    waiting = lanes()
    for number in range(500):
        waiting.add(f"a/{number}", lane)
    waiting.add("b/mine", lane)
    assert "b/mine" in drain(waiting, 2)


def test_a_key_that_somebody_waits_for_moves_forward_and_comes_once() -> None:
    waiting = lanes()
    for number in range(100):
        waiting.add(f"a/{number}", Lane.SWEEP)
    waiting.add("a/99", Lane.CHANGED)
    assert len(waiting) == 100
    found = drain(waiting)
    assert found[0] == "a/99"
    assert sorted(found) == sorted(f"a/{number}" for number in range(100))


def test_a_key_does_not_move_back() -> None:
    waiting = lanes()
    waiting.add("a/2", Lane.CHANGED)
    waiting.add("a/2", Lane.SWEEP)
    waiting.add("a/1", Lane.NEW)
    assert drain(waiting) == ["a/2", "a/1"]


def test_a_key_that_comes_again_after_it_moved_forward() -> None:
    """The place where it stood before must not count."""
    waiting = lanes()
    waiting.add("a/1", Lane.SWEEP)
    waiting.add("a/1", Lane.NEW)
    assert waiting.pop() == ("a/1", Lane.NEW)
    waiting.add("a/1", Lane.SWEEP)
    assert drain(waiting) == ["a/1"]
    with pytest.raises(IndexError):
        waiting.pop()


def test_what_is_swept_is_never_starved() -> None:
    waiting = lanes()
    waiting.add("a/swept", Lane.SWEEP)

    def always_changing() -> str:
        waiting.add("a/busy", Lane.CHANGED)
        return waiting.pop()[0]

    assert "a/swept" in [always_changing() for _ in islice(range(100), SWEEP_EVERY)]
