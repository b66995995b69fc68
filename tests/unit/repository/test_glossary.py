# SPDX-License-Identifier: Apache-2.0
"""Identifiers are in the words of docs/glossary.md: those that it avoids are searched for."""

import keyword
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SOURCES = [
    path for top in ("operator", "tests", "docs") for path in sorted((ROOT / top).rglob("*.py"))
]

WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")
ROW = re.compile(r"^\| (.+?)(?: \((.+)\)| as names)? \| .* \|$")


def avoided() -> dict[str, set[str]]:
    """The avoided words by where they are avoided: "anywhere", "constants" or "whole names"."""
    _, _, section = (ROOT / "docs" / "glossary.md").read_text().partition("## Terms to avoid")
    words: dict[str, set[str]] = {"anywhere": set(), "constants": set(), "whole names": set()}
    for line in section.splitlines()[4:]:
        row = ROW.match(line)
        assert row, line
        terms = {term.strip("` ") for term in row[1].split(",")}
        if "as names" in line:
            words["whole names"] |= terms
        elif row[2] == "in constants":
            words["constants"] |= terms
        else:
            words["anywhere"] |= {term for term in terms if " " not in term}
    return words


AVOIDED = avoided()


def identifiers(path: Path) -> Iterator[tuple[int, str]]:
    """The line and text of each identifier.

    Without the modules in imports, whose names may be others', and the names of tests, which are
    sentences.
    """
    with path.open("rb") as file:
        for token in tokenize.tokenize(file.readline):
            if token.type != tokenize.NAME or keyword.iskeyword(token.string):
                continue
            if token.line.lstrip().startswith(("from ", "import ")):
                continue
            if not token.string.startswith("test_"):
                yield token.start[0], token.string


def is_avoided(identifier: str) -> bool:
    words = {word.lower() for word in WORD.findall(identifier)}
    return (
        identifier in AVOIDED["whole names"]
        or not words.isdisjoint(AVOIDED["anywhere"])
        or (identifier.isupper() and not words.isdisjoint(AVOIDED["constants"]))
    )


def violations(path: Path) -> list[str]:
    return [
        f"{path.relative_to(ROOT)}:{line}: {identifier}"
        for line, identifier in identifiers(path)
        if is_avoided(identifier)
    ]


def test_the_glossary_is_understood() -> None:
    assert {"told", "lane", "sweep", "trouble", "hindrance", "peace"} <= AVOIDED["anywhere"]
    assert AVOIDED["constants"] == {"most", "least", "longest", "deepest"}
    assert AVOIDED["whole names"] == {"it", "found", "at", "of"}


@pytest.mark.parametrize(
    ("identifier", "expected"),
    [
        ("told", True), ("_told_as", True), ("NewsReader", True), ("it", True), ("found", True),
        ("MOST_TURNS", True), ("item", False), ("started_at", False), ("found_nodes", False),
        ("longest", False), ("restart", False), ("MAX_TURNS", False),
    ],
)  # fmt: skip
def test_what_is_avoided(identifier: str, expected: bool) -> None:
    assert is_avoided(identifier) == expected


def test_identifiers_are_in_the_words_of_the_glossary() -> None:
    assert [line for path in SOURCES for line in violations(path)] == []
