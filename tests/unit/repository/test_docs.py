# SPDX-License-Identifier: Apache-2.0
"""The documents: what is generated is up to date, and links lead somewhere."""

import itertools
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
GENERATORS = sorted((ROOT / "docs").glob("generate_*.py"))
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.mark.parametrize("generator", GENERATORS, ids=lambda path: path.stem)
def test_what_is_generated_is_up_to_date(generator: Path) -> None:
    done = subprocess.run(
        [sys.executable, generator, "--check"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": "operator"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("page", "heading"), [("reliability", "Fault"), ("security", "Value"), ("security", "Threat")]
)
def test_each_row_names_tests_that_exist(page: str, heading: str) -> None:
    lines = (ROOT / "docs" / f"{page}.md").read_text().splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith(f"| {heading} |"))
    rows = list(itertools.takewhile(bool, lines[start + 2 :]))
    assert rows
    for row in rows:
        tests = re.findall(r"`(tests/[\w/]+\.py)`", row.split(" | ")[-1])
        assert tests, row
        assert [test for test in tests if not (ROOT / test).exists()] == [], row


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_within_the_tree_lead_to_files(document: Path) -> None:
    text = re.sub(r"`[^`]*`", "", document.read_text())  # what looks like a link in code is none
    links = re.findall(r"\]\(([^)\s#]+)", text)
    missing = [
        link for link in links if "://" not in link and not (document.parent / link).exists()
    ]
    assert missing == []


@pytest.mark.parametrize("page", ["field-cases", "scaling", "gitops"])
def test_named_tests_exist(page: str) -> None:
    text = (ROOT / "docs" / f"{page}.md").read_text()
    names = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", text)
    assert names
    for file, test in names:
        pattern = rf"^(?:async )?def {test}\(" if test else ""
        assert re.search(pattern, (ROOT / file).read_text(), re.MULTILINE), f"{file}::{test}"


def test_every_field_case_names_a_test() -> None:
    text = (ROOT / "docs" / "field-cases.md").read_text()
    rows = [line for line in text.splitlines() if line.startswith("| ") and "| Tests |" not in line]
    assert len(rows) >= 26
    assert [row for row in rows if "`tests/" not in row.split(" | ")[-1]] == []
