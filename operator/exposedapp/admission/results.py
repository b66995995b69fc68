# SPDX-License-Identifier: Apache-2.0
"""How a review ends. Pure. The values are those of the label `result` of a metric."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class ReviewResult(StrEnum):
    """How one request of the API server was answered."""

    ALLOWED = "allowed"
    WARNED = "warned"
    REFUSED = "refused"
    UNCHANGED = "unchanged"
    """The spec is as it was: there is nothing to judge."""
    # Accepted without a judgement:
    TIMEOUT = "timeout"
    BUSY = "busy"
    ERROR = "error"


Observe = Callable[[ReviewResult, float], None]
"""Called after each request, with the seconds that it took."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an app is not accepted."""

    code: int
    """The HTTP status with which the API server answers its author."""
    message: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the author of an app is answered."""

    refusal: Refusal | None = None
    """None: the app is accepted."""
    warnings: tuple[str, ...] = ()

    @property
    def result(self) -> ReviewResult:
        """The verdict as a word."""
        if self.refusal:
            return ReviewResult.REFUSED
        return ReviewResult.WARNED if self.warnings else ReviewResult.ALLOWED


ACCEPTED = Verdict()
