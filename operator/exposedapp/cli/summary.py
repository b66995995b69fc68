# SPDX-License-Identifier: Apache-2.0
"""One app in one line: whether it is ready, why not, what to do. Pure; used by `list`."""

from dataclasses import dataclass

from exposedapp.api.meta import Json
from exposedapp.api.readiness import readiness_of
from exposedapp.cli.doctor.diagnosis.remedies import explain_reason
from exposedapp.cli.status_view import main_url


@dataclass(frozen=True, slots=True)
class AppSummary:
    """What `list` shows of an app."""

    namespace: str
    name: str
    ready: bool
    reason: str
    message: str
    url: str

    @property
    def advice(self) -> str:
        """What to do; empty for an app that is ready, or where nothing is to be done."""
        return "" if self.ready else explain_reason(self.reason, self.namespace, self.name)

    def as_json(self) -> Json:
        """The summary for programs."""
        return {
            "namespace": self.namespace,
            "name": self.name,
            "ready": self.ready,
            "reason": self.reason,
            "message": self.message,
            "advice": self.advice,
            "url": self.url,
        }


def summarize(app: Json) -> AppSummary:
    """The summary of an app."""
    metadata, readiness = app["metadata"], readiness_of(app)
    return AppSummary(
        metadata["namespace"],
        metadata["name"],
        readiness.ready,
        readiness.reason,
        readiness.message,
        main_url(app),
    )


def not_ready_first(summary: AppSummary) -> tuple[bool, str, str]:
    """The sort key of a list."""
    return summary.ready, summary.namespace, summary.name
