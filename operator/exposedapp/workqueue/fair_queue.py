# SPDX-License-Identifier: Apache-2.0
"""Priority queue with round-robin fairness across flows, such as namespaces.

Used by the work queue and by the prober. Pure.
"""

from collections import OrderedDict, deque
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from exposedapp.workqueue.priority import Priority

K = TypeVar("K", bound=Hashable)


class FairQueue(Generic[K]):
    """Keys that wait, each at most once.

    Flows are those of the API server's API Priority and Fairness: keys of one flow wait for each
    other, flows take turns.
    """

    def __init__(self, flow: Callable[[K], Hashable], low_priority_every: int) -> None:
        """`flow` returns the flow of a key.

        Of every `low_priority_every` calls of pop(), one takes the priority first that was served
        the longest ago, so that none of them starves: of three that always have keys, each is
        served within twice as many calls.
        """
        self._flow = flow
        self._low_priority_every = low_priority_every
        self._last_served = dict.fromkeys(Priority, 0)
        self._priorities: dict[K, Priority] = {}
        self._flows: dict[Priority, OrderedDict[Hashable, deque[K]]] = {
            priority: OrderedDict() for priority in Priority
        }
        self._pops = 0

    def __len__(self) -> int:
        return len(self._priorities)

    def add(self, key: K, priority: Priority) -> None:
        """Adds a key, or moves it forward when it waits with a lower priority."""
        current = self._priorities.get(key)
        if current is not None and current <= priority:
            return
        # The old entry is left behind; _pop_from skips it, since its priority is not current.
        self._priorities[key] = priority
        self._flows[priority].setdefault(self._flow(key), deque()).append(key)

    def pop(self) -> tuple[K, Priority]:
        """Removes the next key, and returns it with its priority. Raises IndexError when empty."""
        self._pops += 1
        order = list(Priority)
        if self._pops % self._low_priority_every == 0:
            order.sort(key=self._last_served.__getitem__)
        for priority in order:
            key = self._pop_from(priority)
            if key is not None:
                self._last_served[priority] = self._pops
                return key, priority
        raise IndexError

    def _pop_from(self, priority: Priority) -> K | None:
        flows = self._flows[priority]
        while flows:
            flow, keys = next(iter(flows.items()))
            key = keys.popleft()
            if keys:
                flows.move_to_end(flow)
            else:
                del flows[flow]
            if self._priorities.get(key) == priority:
                del self._priorities[key]
                return key
        return None
