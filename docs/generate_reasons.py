# SPDX-License-Identifier: Apache-2.0
"""Writes the table in docs/reasons.md of every reason of the condition Ready."""

from collections.abc import Iterator

from exposedapp.api.conditions import EXPLANATIONS
from generated_page import ROOT, replace_part, update

BEGIN, END = "<!-- begin reasons: `make generate` writes this table -->", "<!-- end reasons -->"
HEADER = ["| Reason | What it means | What to do |", "|---|---|---|"]


def rows() -> Iterator[str]:
    """A line of the table for each reason."""
    for reason, explanation in EXPLANATIONS.items():
        remedy = explanation.remedy.format(namespace="NAMESPACE", name="NAME")
        yield f"| {reason} | {explanation.meaning} | {remedy} |"


def page(old: str) -> str:
    """The page with a new table."""
    return replace_part(old, BEGIN, END, [*HEADER, *rows()])


if __name__ == "__main__":
    update(ROOT / "docs" / "reasons.md", page)
