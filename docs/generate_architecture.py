"""Writes the picture of the operator's packages in CONTRIBUTING.md, from the imports in the code.

python docs/generate_architecture.py            rewrites CONTRIBUTING.md between its two marks
python docs/generate_architecture.py --check    fails when that would change it

An arrow means "imports". An import that follows from others (a imports b, b imports c, a imports c)
is left out, otherwise nearly every package would point to `api`.
"""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import grimp

PAGE = Path(__file__).parents[1] / "CONTRIBUTING.md"
BEGIN, END = "<!-- begin: `make generate` writes this picture -->", "<!-- end -->"
ROOT = "exposedapp"
IGNORED = {"version"}
"""A module without code."""

Imports = Mapping[str, set[str]]
"""The names that each name imports."""


def package_imports() -> dict[str, set[str]]:
    """The imports between the packages, and between the modules that are in none."""
    graph = grimp.build_graph(ROOT, cache_dir=None)
    imports: dict[str, set[str]] = {
        name: set()
        for child in graph.find_children(ROOT)
        if (name := child.removeprefix(f"{ROOT}.")) not in IGNORED
    }
    for importer in graph.modules - {ROOT}:
        for imported in graph.find_modules_directly_imported_by(importer) - {ROOT}:
            a, b = importer.split(".")[1], imported.split(".")[1]
            if a != b and {a, b} <= imports.keys():
                imports[a].add(b)
    return imports


def reachable(imports: Imports, name: str) -> set[str]:
    """All names that a name imports, directly or through others; the imports have no cycle."""
    return imports[name].union(*(reachable(imports, below) for below in imports[name]))


def reduced(imports: Imports) -> dict[str, set[str]]:
    """The same imports without those that follow from others."""
    return {
        name: {
            below
            for below in direct
            if not any(below in reachable(imports, other) for other in direct)
        }
        for name, direct in imports.items()
    }


def picture(imports: Imports) -> Iterator[str]:
    """The lines of a Mermaid flowchart, users above what they use."""
    yield "```mermaid"
    yield "flowchart TD"
    order = sorted(imports, key=lambda name: (-len(reachable(imports, name)), name))
    arrows = reduced(imports)
    for name in order:
        for below in sorted(arrows[name], key=order.index):
            yield f"    {name} --> {below}"
    yield "```"


def page(old: str) -> str:
    """The page with a new picture."""
    before, _, rest = old.partition(BEGIN)
    _, _, after = rest.partition(END)
    return "\n".join([before + BEGIN, *picture(package_imports()), END + after])


def main(arguments: list[str]) -> None:
    """Rewrites the page, or compares it with --check."""
    old = PAGE.read_text()
    new = page(old)
    if arguments != ["--check"]:
        PAGE.write_text(new)
    elif new != old:
        sys.exit("CONTRIBUTING.md is out of date: run make generate")


if __name__ == "__main__":
    main(sys.argv[1:])
