# SPDX-License-Identifier: Apache-2.0
"""A bounded dictionary."""

from exposedapp.exposure.recently_used import RecentlyUsed


def test_the_entry_that_was_not_used_for_the_longest_time_is_dropped() -> None:
    cache = RecentlyUsed[str, int](2)
    cache.put("a", 1)
    cache.put("b", 2)
    assert cache.get("a", lambda: 0) == 1
    assert cache.peek("b") == 2  # which is no use
    cache.put("c", 3)
    assert [cache.peek(key) for key in "abc"] == [1, None, 3]
    assert cache.get("b", lambda: 4) == 4
    assert list(cache.values()) == [3, 4]
    cache.put("c", 5)
    assert len(cache) == 2
    assert list(cache.values()) == [4, 5]
