# SPDX-License-Identifier: Apache-2.0
"""Exponential back-off with jitter. Pure but for the random numbers."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

MAX_EXPONENT = 64
"""Keeps the power finite after thousands of failures; every maximum is reached much earlier."""


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long to wait after a number of failures in a row; the caller counts them.

    The delay is `initial` seconds after the first failure, `factor` times as long after each
    further one, and never longer than `maximum` seconds. `jitter` is the part (0 to 1) of it by
    which a delay is shortened at most, at random: what failed together must not return together.
    """

    initial: float
    maximum: float
    factor: float = 2.0
    jitter: float = 0.0

    def delay(self, failures: int) -> float:
        """Seconds to wait after this many failures in a row (at least 1)."""
        longest = min(self.initial * self.factor ** min(failures - 1, MAX_EXPONENT), self.maximum)
        return random_delay(longest * (1 - self.jitter), longest)

    def __iter__(self) -> Iterator[float]:
        """The delays after the first, second, ... failure in a row, without an end."""
        return map(self.delay, count(1))


def random_delay(shortest: float, longest: float) -> float:
    """Seconds between the two, at random, so that clients do not return together."""
    return random.uniform(shortest, longest)  # noqa: S311 - jitter, not a secret
