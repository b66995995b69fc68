"""Pure: what a doctor says."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from exposedapp.api.meta import Json
from exposedapp.cli.exit_codes import Exit


class Code(StrEnum):
    """Where the chain breaks: a closed list, since programs read it."""

    FINE = "Fine"
    NO_SUCH_APP = "NoSuchApp"
    BEING_DELETED = "BeingDeleted"
    OPERATOR_SILENT = "OperatorSilent"
    STALLED = "Stalled"
    SCALED_TO_ZERO = "ScaledToZero"
    NO_READY_POD = "NoReadyPod"
    NO_SERVICE = "NoService"
    NO_ENDPOINT = "NoEndpoint"
    NOTHING_LISTENS = "NothingListens"
    NO_ELIGIBLE_NODE = "NoEligibleNode"
    NO_POD_ON_NODE = "NoPodOnNode"
    INVALID_URL = "InvalidURL"
    UNKNOWN_NAME = "UnknownName"
    NOT_ROUTABLE = "NotRoutable"
    FILTERED = "Filtered"
    REFUSED = "Refused"
    NO_ANSWER = "NoAnswer"
    APP_ERROR = "AppError"
    NOT_READY = "NotReady"


@dataclass(frozen=True, slots=True)
class Step:
    """One link of the chain; ok is None when there is nothing to say of it."""

    step: str
    ok: bool | None
    detail: str


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong, and what to do."""

    code: Code
    text: str


@dataclass(frozen=True, slots=True)
class Report:
    """The chain, and the first place where it breaks."""

    steps: Sequence[Step]
    finding: Finding

    @property
    def exit(self) -> Exit:
        """How the command ends."""
        ends = {Code.FINE: Exit.FINE, Code.NO_SUCH_APP: Exit.NO_APP}
        return ends.get(self.finding.code, Exit.UNWELL)

    def as_json(self) -> Json:
        """For programs."""
        return {
            "steps": [{"step": it.step, "ok": it.ok, "detail": it.detail} for it in self.steps],
            "diagnosis": self.finding.text,
            "code": str(self.finding.code),
        }
