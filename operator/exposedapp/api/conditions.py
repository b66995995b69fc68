"""Pure: the words in which it is told why something is not as wanted."""

from enum import StrEnum


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

NOT_PROBED = "NotProbed"

ALL_PARTS = (
    "Ready",
    "WorkloadAvailable",
    "ServiceReady",
    "Reachable",
    "Reconciling",
    "Stalled",
)
