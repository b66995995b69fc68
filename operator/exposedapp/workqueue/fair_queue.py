"""Which key is next: what somebody waits for before what is swept, each namespace in its turn."""

from collections import OrderedDict, deque
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from exposedapp.workqueue.priority import Lane

K = TypeVar("K", bound=Hashable)

SWEEP_EVERY = 4


class Lanes(Generic[K]):
    """Keys that wait, each once."""

    def __init__(self, flow: Callable[[K], Hashable], sweep_every: int = SWEEP_EVERY) -> None:
        """Every so many turns what is swept goes first, so that it is never starved."""
        self._flow = flow
        self._sweep_every = sweep_every
        self._lane_of: dict[K, Lane] = {}
        self._flows: dict[Lane, OrderedDict[Hashable, deque[K]]] = {
            lane: OrderedDict() for lane in Lane
        }
        self._turn = 0

    def __len__(self) -> int:
        return len(self._lane_of)

    def add(self, key: K, lane: Lane) -> None:
        """Adds a key, or moves it forward when it waits in a slower lane."""
        known = self._lane_of.get(key)
        if known is not None and known <= lane:
            return
        # Where it stood before it is passed over later: _lane_of tells where it stands now.
        self._lane_of[key] = lane
        self._flows[lane].setdefault(self._flow(key), deque()).append(key)

    def pop(self) -> tuple[K, Lane]:
        """Takes the next key, and the lane it was in; raises IndexError when there is none."""
        self._turn += 1
        order = list(Lane)
        if self._turn % self._sweep_every == 0:
            order.reverse()
        for lane in order:
            key = self._next(lane)
            if key is not None:
                return key, lane
        raise IndexError

    def _next(self, lane: Lane) -> K | None:
        flows = self._flows[lane]
        while flows:
            flow, keys = next(iter(flows.items()))
            key = keys.popleft()
            if keys:
                flows.move_to_end(flow)
            else:
                del flows[flow]
            if self._lane_of.get(key) == lane:
                del self._lane_of[key]
                return key
        return None
