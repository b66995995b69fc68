# SPDX-License-Identifier: Apache-2.0
"""The tree as a whole: its source root, its map in CONTRIBUTING.md, its locks."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PACKAGE = ROOT / "operator" / "exposedapp"
MAPS = [ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs" / "decisions").glob("*.md"))]


def test_the_source_root_does_not_hide_the_standard_library() -> None:
    """The folder is called operator, as a module that half of all Python programs import."""
    code = "import operator; operator.attrgetter; print(operator.__file__)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert not Path(done.stdout.strip()).is_relative_to(ROOT)


def test_the_map_has_every_package() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", (ROOT / "CONTRIBUTING.md").read_text(), re.MULTILINE)
    packages = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    modules = {path.stem for path in PACKAGE.glob("*.py")} - {"__init__", "version"}
    assert set(rows) == packages | modules


@pytest.mark.parametrize("document", MAPS, ids=lambda path: path.name)
def test_paths_in_the_text_lead_to_files(document: Path) -> None:
    """Relative to the repository or to the operator's package."""
    bases = (ROOT, PACKAGE)
    missing = [
        path
        for path in re.findall(r"`((?:\w[\w.-]*/)+[\w.-]*)`", document.read_text())
        if any((base / path.split("/")[0]).is_dir() for base in bases)
        and not path.startswith("build/")
        and not any((base / path).exists() for base in bases)
    ]
    assert missing == []


@pytest.mark.parametrize(
    "lock", ["requirements.lock", "requirements-cli.lock", "requirements-dev.lock"]
)
def test_locks_have_hashes_and_no_addresses(lock: str) -> None:
    text = (ROOT / lock).read_text()
    pins = [line for line in text.splitlines() if "==" in line and not line.startswith(" ")]
    assert pins
    assert "://" not in text
    assert "--index" not in text
    assert text.count("--hash=sha256:") >= len(pins)
