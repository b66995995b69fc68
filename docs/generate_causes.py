# SPDX-License-Identifier: Apache-2.0
"""Writes the table in not-ready.md of every cause that the tests know, with the words for it."""

import sys
from collections.abc import Iterator

from generated_page import ROOT, replace_part, update

sys.path.append(str(ROOT / "tests"))

from support.causes import CAUSES

BEGIN, END = "<!-- begin causes: `make generate` writes this table -->", "<!-- end causes -->"
HEADER = ["| Cause | Reason | Message | From |", "|---|---|---|---|"]


def rows() -> Iterator[str]:
    """A line of the table for each cause."""
    for cause in CAUSES:
        words = cause.words.replace("|", "\\|")
        yield f"| {cause.name} | {cause.reason} | `{words}` | {cause.source} |"


def page(old: str) -> str:
    """The page with a new table."""
    return replace_part(old, BEGIN, END, [*HEADER, *rows()])


if __name__ == "__main__":
    update(ROOT / "docs" / "not-ready.md", page)
