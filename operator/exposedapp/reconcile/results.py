# SPDX-License-Identifier: Apache-2.0
"""What the phases of a reconcile return, and what the queue makes of it. Pure data.

Each is written by one phase, and read by those after it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from exposedapp.api.meta import CHILD_KINDS, ChildKind, Json
from exposedapp.kube.errors import ApiError
from exposedapp.status.events import ChildChange
from exposedapp.status.observation import Problem
from exposedapp.workqueue.result import Result


@dataclass(frozen=True, slots=True)
class Failure:
    """A request that failed, and that may succeed when it is repeated."""

    message: str
    min_delay: float | None = None
    """The Retry-After of the response, in seconds."""
    error: ApiError | None = None
    """None for an object that another client has changed or replaced: no fault of the request."""

    @classmethod
    def from_error(cls, error: ApiError) -> "Failure":
        """The failure of a request that got this error."""
        return cls(str(error), error.retry_after, error)


@dataclass(frozen=True, slots=True)
class ChildResult:
    """One child after it was compared, and applied where needed."""

    live: Json | None = None
    """The child; when it was not applied, as it was last seen. None when there is none, or it is
    not the app's."""
    change: ChildChange | None = None
    """What was done to it."""
    problem: Problem | None = None
    """Why it cannot be as desired until a user or an administrator changes something."""
    pending: str | None = None
    """What it waits for before it is as desired."""
    failure: Failure | None = None
    """The request that failed; the key is requeued with back-off."""
    name_conflict: ApiError | None = None
    """Why it was not created: most likely, an object that is not watched has its name."""
    requeue_after: float | None = None
    """Seconds until an apply that was put off is due; not reported in the status."""

    @property
    def is_as_desired(self) -> bool:
        """Whether nothing keeps the child from its desired state."""
        return not (self.problem or self.pending or self.failure or self.name_conflict)

    def after(self, earlier: "ChildResult") -> "ChildResult":
        """This result of a second attempt, with what the first one has changed."""
        return replace(self, change=earlier.change or self.change)


NO_CHILD = ChildResult()


@dataclass(frozen=True, slots=True)
class ChildrenResult:
    """Both children of an app after the phase that creates and applies them."""

    deployment: ChildResult = NO_CHILD
    service: ChildResult = NO_CHILD
    problem: Problem | None = None
    """A problem of the app as a whole, such as its spec."""
    failure: Failure | None = None
    """A failed request that concerns both children."""
    former_selector: Mapping[str, str] | None = None
    """The selector that the Service had before; None when it is still the same."""

    def __iter__(self) -> Iterator[ChildResult]:
        return iter((self.deployment, self.service))

    @property
    def by_kind(self) -> Mapping[ChildKind, ChildResult]:
        """Each child's result."""
        return dict(zip(CHILD_KINDS, self, strict=True))

    @property
    def changes(self) -> Sequence[ChildChange]:
        """What was done to the children."""
        return [child.change for child in self if child.change]

    @property
    def problems(self) -> Sequence[Problem]:
        """All problems; the first one is the app's reason for not being ready."""
        problems = (self.problem, *(child.problem for child in self))
        return [problem for problem in problems if problem]

    @property
    def pending(self) -> Mapping[ChildKind, str]:
        """What each child waits for; without those that wait for nothing."""
        return {kind: child.pending for kind, child in self.by_kind.items() if child.pending}

    @property
    def failures(self) -> Sequence[Failure]:
        """All failed requests."""
        failures = (self.failure, *(child.failure for child in self))
        return [failure for failure in failures if failure]

    @property
    def name_conflict(self) -> ApiError | None:
        """Why a child was not created, most likely because of an object of its name."""
        return next((child.name_conflict for child in self if child.name_conflict), None)

    @property
    def requeue_after(self) -> float | None:
        """Seconds until the next apply that was put off is due."""
        return earliest(*(child.requeue_after for child in self))

    def after(self, earlier: "ChildrenResult | None") -> "ChildrenResult":
        """This result of a second attempt, with what the first one has changed."""
        if earlier is None:
            return self
        return replace(
            self,
            deployment=self.deployment.after(earlier.deployment),
            service=self.service.after(earlier.service),
        )


@dataclass(frozen=True, slots=True)
class StatusResult:
    """A status after it was compared with the one that was last written."""

    is_current: bool = False
    """Whether the API server has it: it was written, or there was nothing to write."""
    was_written: bool = False
    failure: Failure | None = None
    requeue_after: float | None = None
    """Seconds until a status that was held back is due."""


def earliest(*delays: float | None) -> float | None:
    """The shortest delay in seconds; None when nothing is due."""
    return min((delay for delay in delays if delay is not None), default=None)


def reconcile_result(
    children: ChildrenResult, written: StatusResult, requeue_after: float | None
) -> Result:
    """What the queue does next: back off from whatever keeps the app from its desired state.

    Something else that is due earlier is not delayed by the back-off, but by the Retry-After of an
    API server that is overloaded.
    """
    failures = [*children.failures, *([written.failure] if written.failure else [])]
    messages = [
        *(failure.message for failure in failures),
        *(problem.message for problem in children.problems),
        *children.pending.values(),
    ]
    if not messages:
        return Result(requeue_after=requeue_after)
    min_delay = max((failure.min_delay or 0 for failure in failures), default=0) or None
    if requeue_after is not None and min_delay is not None:
        requeue_after = max(requeue_after, min_delay)
    return Result(
        requeue_after=requeue_after,
        backoff=True,
        message=messages[0],
        min_delay=min_delay,
        error=next((failure.error for failure in failures if failure.error), None),
    )
