# SPDX-License-Identifier: Apache-2.0
"""What a reason of the condition Ready means, and what to do: the contract's words, for one app.

Pure.
"""

from exposedapp.api.conditions import explanation_of


def explain_reason(reason: str, namespace: str, name: str) -> str:
    """Meaning and remedy as sentences; empty for a reason that this version does not know."""
    explanation = explanation_of(reason)
    if explanation is None:
        return ""
    return f"{explanation.meaning} {explanation.remedy}".strip().format(
        namespace=namespace, name=name
    )
