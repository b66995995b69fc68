"""Which key is next."""

from itertools import islice

import pytest

from exposedapp.workqueue.fair_queue import LOW_PRIORITY_EVERY, FairQueue
from exposedapp.workqueue.priority import Priority


def lanes() -> FairQueue[str]:
    """Keys are written namespace/name."""
    return FairQueue(lambda key: key.partition("/")[0])


def drain(waiting: FairQueue[str], most: int = 1000) -> list[str]:
    return [waiting.pop()[0] for _ in range(min(len(waiting), most))]


def test_first_come_first_served() -> None:
    waiting = lanes()
    for key in ("a/1", "a/2", "a/3"):
        waiting.add(key, Priority.NORMAL)
    assert len(waiting) == 3
    assert drain(waiting) == ["a/1", "a/2", "a/3"]
    assert len(waiting) == 0
    with pytest.raises(IndexError):
        waiting.pop()


def test_a_key_waits_once() -> None:
    waiting = lanes()
    for _ in range(3):
        waiting.add("a/1", Priority.LOW)
    assert drain(waiting) == ["a/1"]


@pytest.mark.parametrize("storm", [Priority.NORMAL, Priority.LOW])
def test_a_change_does_not_wait_behind_a_storm(storm: Priority) -> None:
    waiting = lanes()
    for number in range(500):
        waiting.add(f"a/{number}", storm)
    waiting.add("a/mine", Priority.HIGH)
    assert "a/mine" in drain(waiting, 1)


@pytest.mark.parametrize("priority", list(Priority))
def test_one_namespace_does_not_wait_behind_another(priority: Priority) -> None:
    waiting = lanes()
    for number in range(500):
        waiting.add(f"a/{number}", priority)
    waiting.add("b/mine", priority)
    assert "b/mine" in drain(waiting, 2)


def test_a_key_that_somebody_waits_for_moves_forward_and_comes_once() -> None:
    waiting = lanes()
    for number in range(100):
        waiting.add(f"a/{number}", Priority.LOW)
    waiting.add("a/99", Priority.HIGH)
    assert len(waiting) == 100
    found = drain(waiting)
    assert found[0] == "a/99"
    assert sorted(found) == sorted(f"a/{number}" for number in range(100))


def test_a_key_does_not_move_back() -> None:
    waiting = lanes()
    waiting.add("a/2", Priority.HIGH)
    waiting.add("a/2", Priority.LOW)
    waiting.add("a/1", Priority.NORMAL)
    assert drain(waiting) == ["a/2", "a/1"]


def test_a_key_that_comes_again_after_it_moved_forward() -> None:
    """The place where it stood before must not count."""
    waiting = lanes()
    waiting.add("a/1", Priority.LOW)
    waiting.add("a/1", Priority.NORMAL)
    assert waiting.pop() == ("a/1", Priority.NORMAL)
    waiting.add("a/1", Priority.LOW)
    assert drain(waiting) == ["a/1"]
    with pytest.raises(IndexError):
        waiting.pop()


def test_what_is_swept_is_never_starved() -> None:
    waiting = lanes()
    waiting.add("a/swept", Priority.LOW)

    def always_changing() -> str:
        waiting.add("a/busy", Priority.HIGH)
        return waiting.pop()[0]

    assert "a/swept" in [always_changing() for _ in islice(range(100), LOW_PRIORITY_EVERY)]
