"""What others tell those who measure, as plain types: who tells knows nothing of Prometheus."""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Literal, Protocol, get_args

Result = Literal["success", "requeue_after", "requeue", "error", "panic"]
"""How a reconcile ended: there is nothing more to do; it is to be looked at again after a while;
something is in the way that the app's status tells (a Retry with no error behind it); something
failed, such as a request (a Retry raised from an error); an error that nobody had thought of."""
RESULTS: tuple[Result, ...] = get_args(Result)


class QueueHooks(Protocol):
    """Who is told what becomes of the keys in a queue."""

    def workers(self, count: int) -> None:
        """So many keys can be worked on at one time."""

    def added(self, key: Hashable) -> None:
        """A key is to be worked on, whether it waits already or not."""

    def started(self, key: Hashable) -> None:
        """A worker has taken the key."""

    def ended(self, key: Hashable, result: Result) -> None:
        """The work is over."""


class NoHooks:
    """For a queue that nobody measures."""

    def workers(self, count: int) -> None:
        """Nobody is told."""

    def added(self, key: Hashable) -> None:
        """Nobody is told."""

    def started(self, key: Hashable) -> None:
        """Nobody is told."""

    def ended(self, key: Hashable, result: Result) -> None:
        """Nobody is told."""


class HasReason(Protocol):
    """As much of a condition as is counted."""

    @property
    def type(self) -> str:
        """Which one it is."""

    @property
    def status(self) -> str:
        """True, False or Unknown."""

    @property
    def reason(self) -> str:
        """Why."""


class AppHooks(Protocol):
    """Who is told what becomes of the apps."""

    def tell(self, key: Hashable, conditions: Iterable[HasReason]) -> None:
        """These are the app's conditions now."""

    def forget(self, key: Hashable) -> None:
        """The app is gone."""


class NoApps:
    """For apps that nobody counts."""

    def tell(self, key: Hashable, conditions: Iterable[HasReason]) -> None:
        """Nobody is told."""

    def forget(self, key: Hashable) -> None:
        """Nobody is told."""


@dataclass(frozen=True, slots=True)
class ProbeState:
    """How busy whoever tries URLs is at this moment."""

    targets: int = 0
    in_flight: int = 0
    overdue: float = 0.0
    """For how many seconds the next try has been due; 0: it is not."""
