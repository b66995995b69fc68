"""Which key is next: what somebody waits for before what is swept, each namespace in its turn."""

from collections import OrderedDict, deque
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from exposedapp.workqueue.priority import Priority

K = TypeVar("K", bound=Hashable)

LOW_PRIORITY_EVERY = 4


class FairQueue(Generic[K]):
    """Keys that wait, each once."""

    def __init__(
        self, flow: Callable[[K], Hashable], sweep_every: int = LOW_PRIORITY_EVERY
    ) -> None:
        """Every so many turns what is swept goes first, so that it is never starved."""
        self._flow = flow
        self._sweep_every = sweep_every
        self._priority_of: dict[K, Priority] = {}
        self._flows: dict[Priority, OrderedDict[Hashable, deque[K]]] = {
            priority: OrderedDict() for priority in Priority
        }
        self._turn = 0

    def __len__(self) -> int:
        return len(self._priority_of)

    def add(self, key: K, priority: Priority) -> None:
        """Adds a key, or moves it forward when it waits in a slower lane."""
        known = self._priority_of.get(key)
        if known is not None and known <= priority:
            return
        # Where it stood before it is passed over later: _lane_of tells where it stands now.
        self._priority_of[key] = priority
        self._flows[priority].setdefault(self._flow(key), deque()).append(key)

    def pop(self) -> tuple[K, Priority]:
        """Takes the next key, and the lane it was in; raises IndexError when there is none."""
        self._turn += 1
        order = list(Priority)
        if self._turn % self._sweep_every == 0:
            order.reverse()
        for priority in order:
            key = self._next(priority)
            if key is not None:
                return key, priority
        raise IndexError

    def _next(self, priority: Priority) -> K | None:
        flows = self._flows[priority]
        while flows:
            flow, keys = next(iter(flows.items()))
            key = keys.popleft()
            if keys:
                flows.move_to_end(flow)
            else:
                del flows[flow]
            if self._priority_of.get(key) == priority:
                del self._priority_of[key]
                return key
        return None
