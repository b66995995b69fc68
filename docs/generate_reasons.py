"""Writes the part of README.md that is generated: every reason of the condition Ready in a table.

python docs/generate_reasons.py            rewrites README.md between its two marks
python docs/generate_reasons.py --check    fails when that would change it
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from exposedapp.api.conditions import EXPLANATIONS

PAGE = Path(__file__).parents[1] / "README.md"
BEGIN, END = "<!-- begin reasons: `make generate` writes this table -->", "<!-- end reasons -->"
HEADER = ["| Reason | What it means | What to do |", "|---|---|---|"]


def rows() -> Iterator[str]:
    """A line of the table for each reason."""
    for reason, explanation in EXPLANATIONS.items():
        remedy = explanation.remedy.format(namespace="NAMESPACE", name="NAME")
        yield f"| {reason} | {explanation.meaning} | {remedy} |"


def with_table(page: str) -> str:
    """The page with a new table between its marks."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return "\n".join([before + BEGIN, *HEADER, *rows(), END + after])


def main(arguments: list[str]) -> None:
    """Rewrites the page, or checks it."""
    page = PAGE.read_text()
    new = with_table(page)
    if arguments != ["--check"]:
        PAGE.write_text(new)
    elif new != page:
        sys.exit("README.md is out of date: run make generate")


if __name__ == "__main__":
    main(sys.argv[1:])
