# SPDX-License-Identifier: Apache-2.0
"""Gives the manual a page for each file of the tree that a document links to.

Called by mkdocs, as mkdocs.yml says. Documents link to examples, templates and tests, which are
outside of docs/; in a repository such a link leads to the file. The site has a copy of the file
in its folder `tree`, so that it needs no address outside of itself, and none has to be known.
"""

import posixpath
import re
from collections.abc import Iterator
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files, InclusionLevel
from mkdocs.structure.pages import Page

LINK = re.compile(r"(?<=\]\()(\.\.?/[^)\s#]+)(?=[)#])")
"""The target of a link that may lead out of docs/, without its anchor."""
TEMPLATE = """\
---
search: {{exclude: true}}
---
# {path}

~~~~~~ {{.{language} .no-copy}}
{text}
~~~~~~
"""
LANGUAGES = {".json": "json", ".lua": "lua", ".py": "python", ".sh": "bash", ".yaml": "yaml"}


def tree_path(document: str, link: str) -> str | None:
    """The path in the repository that a link of a document in docs/ leads to; None: into docs/."""
    path = posixpath.normpath(posixpath.join("docs", posixpath.dirname(document), link))
    return None if path.startswith("docs/") else path


def linked_paths(files: Files) -> Iterator[str]:
    """Every path outside of docs/ that a document links to."""
    for file in files.documentation_pages():
        for link in LINK.findall(file.content_string):
            if path := tree_path(file.src_uri, link):
                yield path


def page_text(path: Path, name: str) -> str:
    """A page that shows a file of the tree."""
    language = LANGUAGES.get(path.suffix, "text")
    return TEMPLATE.format(path=name, language=language, text=path.read_text())


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages; a link to a file that does not exist is left for mkdocs to report."""
    root = Path(config.config_file_path).parent
    for name in sorted(set(linked_paths(files))):
        if (root / name).is_file():
            files.append(
                File.generated(
                    config,
                    f"tree/{name}.md",
                    content=page_text(root / name, name),
                    inclusion=InclusionLevel.NOT_IN_NAV,
                )
            )
    return files


def on_page_markdown(markdown: str, page: Page, files: Files, **_: object) -> str:
    """Let the links of a document lead to the pages."""

    def replace(match: re.Match[str]) -> str:
        path = tree_path(page.file.src_uri, match[1])
        if path is None or files.get_file_from_path(f"tree/{path}.md") is None:
            return match[1]
        return posixpath.relpath(f"tree/{path}.md", posixpath.dirname(page.file.src_uri) or ".")

    return markdown if page.file.src_uri.startswith("tree/") else LINK.sub(replace, markdown)
