# SPDX-License-Identifier: Apache-2.0
"""Writes the picture of the operator's packages in CONTRIBUTING.md, from the imports in the code.

An arrow means "imports". An import that follows from others (a imports b, b imports c, a imports c)
is left out, otherwise nearly every package would point to `api`.
"""

from collections.abc import Iterator, Mapping

import grimp

from generated_page import ROOT, replace_part, update

BEGIN, END = "<!-- begin: `make generate` writes this picture -->", "<!-- end -->"
PACKAGE = "exposedapp"
IGNORED = {"version"}
"""A module without code."""

Imports = Mapping[str, set[str]]
"""The names that each name imports."""


def package_imports() -> dict[str, set[str]]:
    """The imports between the packages, and between the modules that are in none."""
    graph = grimp.build_graph(PACKAGE, cache_dir=None)
    imports: dict[str, set[str]] = {
        name: set()
        for child in graph.find_children(PACKAGE)
        if (name := child.removeprefix(f"{PACKAGE}.")) not in IGNORED
    }
    for importer in graph.modules - {PACKAGE}:
        for imported in graph.find_modules_directly_imported_by(importer) - {PACKAGE}:
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
    return replace_part(old, BEGIN, END, picture(package_imports()))


if __name__ == "__main__":
    update(ROOT / "CONTRIBUTING.md", page)
