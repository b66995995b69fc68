# SPDX-License-Identifier: Apache-2.0
"""What the work on a key ends with, after the model of controller-runtime's reconcile.Result.

Returned by the work function, read by the queue. Pure.
"""

from dataclasses import dataclass
from typing import Literal, get_args

ResultLabel = Literal["success", "requeue_after", "requeue", "error", "panic"]
"""How the work on a key ended, for metrics: see `Result`. "panic" stands for an unforeseen
exception."""

RESULT_LABELS: tuple[ResultLabel, ...] = get_args(ResultLabel)


@dataclass(frozen=True, slots=True)
class Result:
    """When the queue shall work on the key again, and why.

    Every foreseen end of the work is one of these:

        Result()                     done until the key is added again              "success"
        Result(requeue_after=5.0)    done; look again after 5 s                     "requeue_after"
        Result(backoff=True, message="...", ...)
                                     failed in a foreseen way; the key is requeued with a delay that
                                     grows with each failure in a row and ends with the first
                                     success                                  "requeue", "error"

        Result(backoff=True, is_bug=True, error=...)
                                     the same after an unforeseen exception that the work has
                                     logged and handled itself                             "panic"

    An exception out of the work is unforeseen: it is logged with its traceback, counts as "panic",
    and requeues the key with back-off.
    """

    requeue_after: float | None = None
    """Seconds until the key is worked on again; None: not before it is added. With `backoff`, the
    longest delay, None: no limit but that of the back-off."""
    backoff: bool = False
    """Whether this was a failure."""
    message: str = ""
    """What failed, for the log; only with `backoff`."""
    min_delay: float | None = None
    """Seconds that the back-off is added to, such as the Retry-After of a response; only with
    `backoff`. `requeue_after` takes precedence."""
    error: BaseException | None = None
    """The exception behind the failure, such as that of a request; None when the work itself found
    an obstacle. Only with `backoff`."""
    is_bug: bool = False
    """Whether the failure was unforeseen; only with `backoff`."""

    @property
    def label(self) -> ResultLabel:
        """How the work ended, for metrics."""
        if self.is_bug:
            return "panic"
        if self.backoff:
            return "requeue" if self.error is None else "error"
        return "success" if self.requeue_after is None else "requeue_after"
