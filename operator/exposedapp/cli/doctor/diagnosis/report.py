# SPDX-License-Identifier: Apache-2.0
"""What the doctor reports. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from exposedapp.api.meta import Json
from exposedapp.cli.exit_codes import ExitCode


class DiagnosisCode(StrEnum):
    """Where the chain breaks. A closed list, because programs read it."""

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


EXIT_CODES = {
    DiagnosisCode.FINE: ExitCode.OK,
    DiagnosisCode.NO_SUCH_APP: ExitCode.NO_SUCH_APP,
}


@dataclass(frozen=True, slots=True)
class Step:
    """One link of the chain, as a line of the report."""

    name: str
    ok: bool | None
    """None when it is neither right nor wrong."""
    detail: str


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong, and what to do; or that nothing is."""

    code: DiagnosisCode
    text: str


@dataclass(frozen=True, slots=True)
class Report:
    """All steps, and the finding for the first of them that is broken."""

    steps: Sequence[Step]
    finding: Finding

    @property
    def exit_code(self) -> ExitCode:
        """How the command ends."""
        return EXIT_CODES.get(self.finding.code, ExitCode.APP_PROBLEM)

    def as_json(self) -> Json:
        """The report for programs."""
        return {
            "steps": [
                {"step": step.name, "ok": step.ok, "detail": step.detail} for step in self.steps
            ],
            "diagnosis": self.finding.text,
            "code": str(self.finding.code),
        }
