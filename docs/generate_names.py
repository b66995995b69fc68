# SPDX-License-Identifier: Apache-2.0
"""Writes where the project is published into the files that say it, from deploy/names.env."""

from collections.abc import Iterator
from functools import partial

from generated_page import ROOT, replace_part, update

NAMES = ROOT / "deploy" / "names.env"
BEGIN = "# begin names: `make generate` writes this part from deploy/names.env"
END = "# end names"

Names = dict[str, str]


def read_names(text: str) -> Names:
    """The names of the file, which a shell can read as well."""
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


def project_urls(names: Names) -> Iterator[str]:
    """A table of pyproject.toml."""
    if source := names["REPOSITORY"]:
        yield "[project.urls]"
        yield f'Source = "{source}"'
        yield f'Documentation = "{source}#readme"'
        yield f'Changelog = "{source}/blob/main/CHANGELOG.md"'
        yield f'Issues = "{source}/issues"'


def chart_sources(names: Names) -> Iterator[str]:
    """Fields of Chart.yaml."""
    if source := names["REPOSITORY"]:
        yield f"home: {source}"
        yield "sources:"
        yield f"  - {source}"


def code_owners(names: Names) -> Iterator[str]:
    """Lines of CODEOWNERS."""
    if names["REVIEWERS"]:
        yield f"* {names['REVIEWERS']}"


def contact_links(names: Names) -> Iterator[str]:
    """A field of the issue forms' configuration."""
    if source := names["REPOSITORY"]:
        yield "contact_links:"
        yield "  - name: A vulnerability"
        yield f"    url: {source}/security/advisories/new"
        yield "    about: Report it in private, please; SECURITY.md says what helps."


PARTS = {
    "pyproject.toml": project_urls,
    "deploy/chart/exposedapp/Chart.yaml": chart_sources,
    ".github/CODEOWNERS": code_owners,
    ".github/ISSUE_TEMPLATE/config.yml": contact_links,
}
"""Who writes the generated part of which file."""


def render(path: str, names: Names, text: str) -> str:
    """The file with its generated part."""
    return replace_part(text, BEGIN, END, PARTS[path](names))


if __name__ == "__main__":
    published = read_names(NAMES.read_text())
    for path in PARTS:
        update(ROOT / path, partial(render, path, published))
