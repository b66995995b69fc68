# SPDX-License-Identifier: Apache-2.0
"""Writes the licence's SPDX identifier into the head of each source file that lacks it."""

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from generated_page import ROOT, update

HEADER = "SPDX-License-Identifier: Apache-2.0"
COMMENT_SIGNS = {
    ".py": "#",
    ".sh": "#",
    ".go": "//",
    "Makefile": "#",
    "Dockerfile": "#",
    "run": "#",
}
"""By a file's suffix, or its name."""
SKIPPED = {".git", "build", "dist", "__pycache__", ".venv"}


def sources() -> Iterator[tuple[Path, str]]:
    """Each source file, with the sign that begins a comment in it."""
    for folder, folders, names in os.walk(ROOT):
        folders[:] = sorted(name for name in folders if name not in SKIPPED)
        for path in (Path(folder, name) for name in sorted(names)):
            if sign := COMMENT_SIGNS.get(path.suffix or path.name):
                yield path, sign


def with_header(sign: str, text: str) -> str:
    """The text with its header: the first line, or the second one after a shebang."""
    header = f"{sign} {HEADER}\n"
    if header in text:
        return text
    if not text.startswith("#!"):
        return header + text
    first, _, remaining = text.partition("\n")
    return f"{first}\n{header}{remaining}"


if __name__ == "__main__":
    for source, comment_sign in sources():
        if source.stat().st_size:
            update(source, partial(with_header, comment_sign))
