"""What others tell those who measure, as plain types: who tells knows nothing of Prometheus."""

from collections.abc import Hashable
from typing import Literal, Protocol, get_args

Result = Literal["success", "requeue_after", "requeue", "error", "panic"]
"""How a reconcile ended: there is nothing more to do; it is to be looked at again after a while;
something is in the way that the app's status tells (a Retry with no error behind it); something
failed, such as a request (a Retry raised from an error); an error that nobody had thought of."""

RESULTS: tuple[Result, ...] = get_args(Result)


class QueueMetrics(Protocol):
    """Who is told what becomes of the keys in a queue."""

    def workers(self, count: int) -> None:
        """So many keys can be worked on at one time."""

    def added(self, key: Hashable) -> None:
        """A key is to be worked on, whether it waits already or not."""

    def started(self, key: Hashable) -> None:
        """A worker has taken the key."""

    def ended(self, key: Hashable, result: Result) -> None:
        """The work is over."""


class NoopQueueMetrics:
    """For a queue that nobody measures."""

    def workers(self, count: int) -> None:
        """Nobody is told."""

    def added(self, key: Hashable) -> None:
        """Nobody is told."""

    def started(self, key: Hashable) -> None:
        """Nobody is told."""

    def ended(self, key: Hashable, result: Result) -> None:
        """Nobody is told."""
