# SPDX-License-Identifier: Apache-2.0
"""docs/inputs.md names every place in the tree that takes something from outside."""

import os
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SKIPPED = {".git", "build", "__pycache__", "dist", ".venv"}
LOCKS = ("*.lock", "go.mod", "go.sum", "node-image.txt")

COMMANDS = re.compile(
    r"""\bapt(-get)?\b.*\binstall\b
    | ^\s*(sudo\s+)?mmdebstrap\b
    | \bpip3?\b.*\s(install|download|wheel)\b
    | \buv\s+(pip\s+)?(compile|install|sync|lock|run|add)\b
    | \bgo\s+(-C\s+\S+\s+)?(build|get|install|list|mod|run|test|tool)\b
    | \bdocker\s+(image\s+)?pull\b
    | \bhelm\s+(dependency|pull|repo)\b
    | \bgit\s+clone\b
    | \b(curl|wget)\b.*\shttps?://
    | ^\s*(FROM|ADD)\s
    | ^\s*(-\s+)?uses:\s""",
    re.VERBOSE | re.MULTILINE,
)
"""In a shell script, a Makefile, a Dockerfile or a workflow."""

ARGUMENTS = re.compile(
    r'"apt(-get)?","install|"pip3?","(install|download)|"go",[^\]]{0,80}"(build|get|install|mod)"'
    r'|"docker","pull|"git","clone'
)
"""In Python, which calls a program with a list: without white space."""


def files() -> Iterator[Path]:
    """Every file of the tree, relative to its root."""
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders if name not in SKIPPED]
        yield from (Path(folder, name).relative_to(ROOT) for name in names)


def sources() -> Iterator[Path]:
    """Those that may fetch something: scripts, Makefiles, Dockerfiles, workflows, Python."""
    for path in files():
        is_code = path.suffix in {".sh", ".py"} or path.name in {"Makefile", "run"}
        if is_code or "Dockerfile" in path.name or path.parts[0] == ".github":
            yield path


def fetches(path: Path) -> list[str]:
    """The commands in a file that take something from outside."""
    text = path.read_text()
    if path.suffix == ".py":
        return [match.group() for match in ARGUMENTS.finditer(re.sub(r"\s", "", text))]
    code = re.sub(r"^\s*#.*", "", text, flags=re.MULTILINE).replace("\\\n", " ")
    return [match.group() for match in COMMANDS.finditer(code)]


@pytest.fixture(scope="module")
def named() -> set[str]:
    """What the table names in backquotes; a name can be a pattern, such as tests/v*/go.mod."""
    rows = [
        line
        for line in (ROOT / "docs" / "inputs.md").read_text().splitlines()
        if line.startswith("| ")
    ]
    return set(re.findall(r"`([^`]+)`", "\n".join(rows)))


def test_every_place_that_fetches_something_is_in_the_table(named: set[str]) -> None:
    this_file = Path(__file__).relative_to(ROOT)
    missing = {
        str(path): commands
        for path in sources()
        if path != this_file and (commands := fetches(ROOT / path)) and str(path) not in named
    }
    assert missing == {}, "name these files in docs/inputs.md"


def test_every_lock_is_in_the_table(named: set[str]) -> None:
    locks = [str(path) for path in files() if any(path.match(lock) for lock in LOCKS)]
    missing = [lock for lock in locks if not any(fnmatchcase(lock, name) for name in named)]
    assert missing == [], "name these files in docs/inputs.md"


def test_the_table_names_files_that_are_there(named: set[str]) -> None:
    paths = {
        name
        for name in named
        if re.fullmatch(r"[\w.-]+(/[\w.-]+)*\.(sh|lock|txt|toml|md|py)", name)
    }
    assert paths
    assert [path for path in sorted(paths) if not (ROOT / path).exists()] == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.sh", "  DEBIAN_FRONTEND=noninteractive apt-get install -y jq\n"),
        ("a.sh", 'pip download --no-deps \\\n  -r "$lock"\n'),
        ("a.sh", "curl -sSL https://example.com/tool >tool\n"),
        ("Makefile", "\t$(PY) -m pip install build\n"),
        ("Dockerfile", "FROM debian:12\n"),
        ("ci.yml", "      - uses: actions/checkout@v5\n"),
        ("a.py", 'run(["go", "-C", MODULE, "mod", "download"])\n'),
        ("a.py", "run(\n    [\n        'go',\n        'install',\n    ]\n)\n".replace("'", '"')),
    ],
)
def test_what_counts_as_fetching(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    assert fetches(path)


def test_a_comment_fetches_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.sh"
    path.write_text("# To add one: go get -tool PACKAGE@VERSION\nfoo\n")
    assert fetches(path) == []
