# SPDX-License-Identifier: Apache-2.0
"""Rewrites a page of which all or a part is generated, or checks that it is up to date.

Used by the generators beside it, which `make generate` runs:

python docs/generate_NAME.py            rewrites the page
python docs/generate_NAME.py --check    fails when that would change it
"""

import sys
from collections.abc import Callable, Iterable
from pathlib import Path

ROOT = Path(__file__).parents[1]


def replace_part(page: str, begin: str, end: str, lines: Iterable[str]) -> str:
    """The page with these lines between two marks, which stay."""
    before, _, remaining = page.partition(begin)
    _, _, after = remaining.partition(end)
    return "\n".join([before + begin, *lines, end + after])


def update(path: Path, render: Callable[[str], str]) -> None:
    """Rewrite a page, or compare it with --check; `render` makes the new page of the old one."""
    old = path.read_text() if path.exists() else ""
    new = render(old)
    if sys.argv[1:] != ["--check"]:
        path.write_text(new)
    elif new != old:
        sys.exit(f"{path.relative_to(ROOT)} is out of date: run make generate")
