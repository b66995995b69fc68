# SPDX-License-Identifier: Apache-2.0
"""How long to wait after a number of failures in a row."""

from itertools import islice

import pytest

from exposedapp.workqueue.backoff import Backoff, random_delay

MANY = 10_000
"""So many failures that a power of two is no float any more."""


@pytest.mark.parametrize(
    ("failures", "seconds"), [(1, 0.5), (2, 1.0), (3, 2.0), (4, 4.0), (5, 5.0), (MANY, 5.0)]
)
def test_delays_grow_up_to_the_maximum(failures: int, seconds: float) -> None:
    assert Backoff(initial=0.5, maximum=5.0).delay(failures) == seconds


def test_by_any_factor() -> None:
    backoff = Backoff(initial=1.0, maximum=30.0, factor=1.5)
    assert [backoff.delay(failures) for failures in (1, 2, 3)] == [1.0, 1.5, 2.25]


def test_the_first_delay_is_not_longer_than_the_maximum() -> None:
    assert Backoff(initial=7.0, maximum=5.0).delay(1) == 5.0


@pytest.mark.parametrize("failures", [1, 2, MANY])
def test_jitter_shortens_a_delay_by_a_part_of_it(failures: int) -> None:
    longest = Backoff(initial=0.5, maximum=60.0).delay(failures)
    backoff = Backoff(initial=0.5, maximum=60.0, jitter=0.2)
    delays = {backoff.delay(failures) for _ in range(1000)}
    assert longest * 0.8 <= min(delays) < longest * 0.85
    assert longest * 0.95 < max(delays) <= longest


def test_a_random_delay_is_between_its_limits() -> None:
    delays = {random_delay(3.0, 4.0) for _ in range(100)}
    assert 3.0 <= min(delays) < max(delays) <= 4.0


def test_the_delays_of_failures_in_a_row_have_no_end() -> None:
    backoff = Backoff(initial=1.0, maximum=4.0)
    for _ in range(2):  # each request starts at the first delay
        assert list(islice(backoff, 5)) == [1.0, 2.0, 4.0, 4.0, 4.0]
