# SPDX-License-Identifier: Apache-2.0
"""The condition Ready as sentences: what the operator says, and what to do. Pure."""

from exposedapp.api.meta import Json
from exposedapp.api.readiness import readiness_of
from exposedapp.cli.doctor.diagnosis.evidence import Evidence
from exposedapp.cli.doctor.diagnosis.remedies import explain_reason
from exposedapp.status.pods import POD_REASONS


def quote_operator(evidence: Evidence, app: Json, quoted_failure: str = "") -> str:
    """Reason, message and explanation of the condition Ready.

    A reason that is about the pods is only explained when their failure has been quoted already.
    """
    readiness = readiness_of(app)
    quote = f"The operator reports {readiness.reason}: {sentence(readiness.message)}"
    if quoted_failure and readiness.reason in POD_REASONS:
        quote = ""
    explanation = explain_reason(readiness.reason, evidence.namespace, evidence.name)
    return " ".join(filter(None, (quote, explanation)))


def sentence(text: str) -> str:
    """The text with a full stop at its end; empty stays empty."""
    text = text.strip()
    return text if not text or text[-1] in ".!?" else f"{text}."
