# SPDX-License-Identifier: Apache-2.0
"""That the operators' memory is flat after a warm-up."""

from collections.abc import Iterable

from faults.replicas import Replica

WARM_UP_ROUNDS = 4
"""Of one process: the first lists, and the number of apps, grow during these."""
MAX_GROWTH_MIB = 12.0


class MemoryCheck:
    """Compares each process with itself after its warm-up."""

    def __init__(self) -> None:
        self.failures: list[str] = []
        self._rounds: dict[tuple[Replica, int], list[float]] = {}

    def measure(self, replicas: Iterable[Replica]) -> str:
        """Measure all; the figures for people."""
        figures = []
        for replica in replicas:
            if memory := replica.memory_mib:
                rounds = self._rounds.setdefault((replica, replica.starts), [])
                rounds.append(memory)
                figures.append(f"{memory:.0f}")
                self._compare(rounds)
        return f"{' and '.join(figures)} MiB"

    def _compare(self, rounds: list[float]) -> None:
        if (
            len(rounds) > WARM_UP_ROUNDS
            and rounds[-1] - rounds[WARM_UP_ROUNDS - 1] > MAX_GROWTH_MIB
        ):
            self.failures.append(f"memory by round, MiB: {[round(each) for each in rounds]}")
