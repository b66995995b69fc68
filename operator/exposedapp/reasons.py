"""Pure: the words in which it is told why something is not as wanted."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal


class Reason(StrEnum):
    """Why Ready is what it is: a closed list, since programs read it."""

    AVAILABLE = "Available"
    SCALED_TO_ZERO = "ScaledToZero"
    NO_ELIGIBLE_NODE = "NoEligibleNode"
    # Under way, or waiting for the pods:
    PROGRESSING = "Progressing"
    IMAGE_PULL = "ImagePullBackOff"
    CONTAINER_CONFIG = "CreateContainerConfigError"
    CRASH_LOOP = "CrashLoopBackOff"
    UNSCHEDULABLE = "Unschedulable"
    FAILED_CREATE = "FailedCreate"
    DEADLINE = "ProgressDeadlineExceeded"
    WAITING_FOR_ANSWER = "WaitingForAnswer"
    # All is as wanted, and yet:
    UNREACHABLE = "Unreachable"
    # Cannot go on without a change somewhere:
    INVALID_SPEC = "InvalidSpec"
    NOT_OWNED = "NotOwned"
    NODE_PORT_CONFLICT = "NodePortConflict"
    NODE_PORTS_EXHAUSTED = "NodePortsExhausted"
    QUOTA_EXCEEDED = "QuotaExceeded"
    FORBIDDEN = "Forbidden"


STALLED_REASONS = frozenset(
    {
        Reason.INVALID_SPEC,
        Reason.NOT_OWNED,
        Reason.NODE_PORT_CONFLICT,
        Reason.NODE_PORTS_EXHAUSTED,
        Reason.QUOTA_EXCEEDED,
        Reason.FORBIDDEN,
    }
)
"""With these, waiting helps nobody."""

ChildKind = Literal["Deployment", "Service"]
CHILD_KINDS: tuple[ChildKind, ...] = ("Deployment", "Service")


@dataclass(frozen=True, slots=True)
class Problem:
    """Why the app cannot become what its spec says until somebody changes something."""

    reason: Reason
    message: str
    child: ChildKind | None = None
    """The child that it is about; None: the spec as a whole."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """What keeps a pod from starting, in Kubernetes' own words."""

    reason: Reason
    message: str
    pod: str = field(default="", compare=False)

    def same_as(self, other: "Trouble | None") -> bool:
        """Whether it is the same trouble; the kubelet words it anew at every attempt."""
        return other is not None and (self.reason, self.pod) == (other.reason, other.pod)


@dataclass(frozen=True, slots=True)
class Did:
    """What was done to a child."""

    kind: ChildKind
    how: Literal["Created", "Updated", "Repaired", "Adopted", "Removed"]
    fields: tuple[str, ...] = ()
    """What somebody else had changed, and was put back."""

    def __str__(self) -> str:
        fields = f": {', '.join(self.fields)}" if self.fields else ""
        return f"{self.kind} {self.how.lower()}{fields}"
