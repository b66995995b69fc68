"""The documents: what is generated is up to date, and links lead somewhere."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


def test_the_fields_are_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, "docs/generate_fields.py"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": "operator"},
        capture_output=True,
        text=True,
        check=True,
    )
    committed = (ROOT / "docs" / "fields.md").read_text()
    assert committed == done.stdout, "docs/fields.md is out of date: run make generate"


def test_the_table_of_reasons_is_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, "docs/generate_reasons.py", "--check"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": "operator"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_within_the_tree_lead_to_files(document: Path) -> None:
    text = re.sub(r"`[^`]*`", "", document.read_text())  # what looks like a link in code is none
    links = re.findall(r"\]\(([^)\s#]+)", text)
    missing = [
        link for link in links if "://" not in link and not (document.parent / link).exists()
    ]
    assert missing == []
