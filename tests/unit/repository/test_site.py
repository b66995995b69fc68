# SPDX-License-Identifier: Apache-2.0
"""The manual: it is built strictly, has every document, and needs no address outside of itself."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import yaml
from mkdocs.config import load_config

ROOT = Path(__file__).parents[3]
DOCS = ROOT / "docs"
PARTS = ["Home", "Tutorials", "How-to", "Reference", "Operations", "Explanation"]
LOADED = {"script": "src", "img": "src", "iframe": "src", "source": "src", "object": "data"}
"""The elements that a browser loads something for by itself, beside `link`."""


class Elements(HTMLParser):
    """The anchors of a page, and the addresses that a browser loads to show it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.loads: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.anchors.add(values.get("id", ""))
        is_page_link = values.get("rel") in {"next", "prev", "canonical"}
        attribute = LOADED.get(tag) or ("href" if tag == "link" and not is_page_link else None)
        if attribute and attribute in values:
            self.loads.append(values[attribute])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The manual as `make docs` builds it."""
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", folder],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def built(site: Path, document: Path) -> Path:
    """The page that a document became."""
    page = site / document.relative_to(DOCS).with_suffix(".html")
    return page.with_name("index.html") if page.name == "README.html" else page


def navigation(node: object) -> Iterator[str]:
    """Every document of the navigation, at any depth."""
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict):
        for value in node.values():
            yield from navigation(value)
    elif isinstance(node, list):
        for item in node:
            yield from navigation(item)


def links(text: str) -> Iterator[tuple[str, str]]:
    """The path and the anchor of each link of a document that leads into the tree."""
    for path, anchor in re.findall(r"\]\(([^)\s#]*)#?([^)\s]*)\)", text):
        if path and "://" not in path:
            yield path, anchor


def test_every_document_is_in_the_navigation_once() -> None:
    nav = load_config(str(ROOT / "mkdocs.yml")).nav
    documents = sorted(path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md"))
    assert sorted(navigation(nav)) == documents
    assert [next(iter(part)) for part in nav or () if isinstance(part, dict)] == PARTS


def test_every_document_has_a_page(site: Path) -> None:
    assert [path for path in DOCS.rglob("*.md") if not built(site, path).is_file()] == []


def test_pages_load_nothing_from_elsewhere(site: Path) -> None:
    pages = sorted(site.rglob("*.html"))
    assert pages
    loads = {
        (page.name, address)
        for page in pages
        for address in Elements(page.read_text()).loads
        if "//" in address
    }
    styles = [
        path.name for path in site.rglob("*.css") if re.search(r"url\(.?http", path.read_text())
    ]
    assert (loads, styles) == (set(), [])


def test_links_of_the_readme_lead_to_headings(site: Path) -> None:
    missing = []
    for path, anchor in links((ROOT / "README.md").read_text()):
        assert (ROOT / path).exists(), path
        if anchor:
            page = built(site, ROOT / path)
            if anchor not in Elements(page.read_text()).anchors:
                missing.append(f"{path}#{anchor}")
    assert missing == []


def test_each_alert_leads_to_what_to_do(site: Path) -> None:
    """The value metrics.prometheusRule.runbookBase puts the page in place of the document."""
    text = (ROOT / "deploy" / "chart" / "exposedapp" / "files" / "alerts.yaml").read_text()
    rules: list[dict[str, Any]] = [
        rule for group in yaml.safe_load(text)["groups"] for rule in group["rules"]
    ]
    assert rules
    for rule in rules:
        document, _, anchor = rule["annotations"]["runbook_url"].partition("#")
        assert anchor in Elements(built(site, ROOT / document).read_text()).anchors, rule["alert"]
