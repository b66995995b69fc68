# SPDX-License-Identifier: Apache-2.0
"""The blocks of the documents: each is run, checked, or marked.

Commands are run by tests/e2e/test_manual.py as they are written; or by the test that a comment
before them names; or by none, for the reason in their title, which readers see as well.
"""

import json
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from exposedapp.cli.validation.schema_check import find_problems
from support.helm import CHART
from support.manual import (
    DOCS,
    FOLDERS,
    NOT_RUN,
    PAGES,
    PRINTS,
    ROOT,
    STAYS_OPEN,
    Block,
    blocks,
    comparable,
)

ON_PAGES = pytest.mark.parametrize(
    "page", PAGES, ids=lambda page: str(page.relative_to(ROOT).with_suffix(""))
)
OTHERS = {"Cluster", "Deployment", "Service"}
"""Kinds of objects in files of the manual that are not this project's."""


def is_known(block: Block, *, shows_parts: bool) -> bool:
    """Whether a test knows what to do with a block; parts are for reading alone."""
    match block.language:
        case "sh":
            return block.title in {"", STAYS_OPEN} or block.title.startswith(NOT_RUN)
        case "console":
            return block.text.startswith("$ ") and block.title == ""
        case "yaml":
            return block.title.endswith(".yaml") or (shows_parts and block.title == "")
        case "text":
            return block.title == PRINTS or (shows_parts and block.title == "")
        case "mermaid":
            return shows_parts
        case _:
            return False


def files(page: Path) -> Iterator[tuple[str, Any]]:
    """The documents that a page shows, with the file's name; of a part it is empty."""
    for block in blocks(page.read_text()):
        if block.language == "yaml":
            for document in yaml.safe_load_all(block.text):
                yield block.title, document


def test_there_are_pages_with_commands() -> None:
    run = [page for page in PAGES if any(block.is_run for block in blocks(page.read_text()))]
    assert len(run) >= 10


@ON_PAGES
def test_each_block_is_run_checked_or_marked(page: Path) -> None:
    text = page.read_text()
    parsed = list(blocks(text))
    assert 2 * len(parsed) == sum(line.lstrip().startswith("```") for line in text.splitlines())
    shows_parts = page.parent not in FOLDERS
    assert [block for block in parsed if not is_known(block, shows_parts=shows_parts)] == []
    for before, block in pairwise([Block("", "", ""), *parsed]):
        assert block.title != PRINTS or before.is_run, "what it prints follows what is run"


@ON_PAGES
def test_commands_that_are_not_run_say_why_or_name_their_test(page: Path) -> None:
    text = page.read_text()
    assert text.count("<!-- run by") == sum(block.test != "" for block in blocks(text))
    for block in blocks(text):
        if block.test:
            assert block.has_commands, block
            assert not block.title.startswith(NOT_RUN), block
            file, _, name = block.test.partition("::")
            assert file.startswith("tests/"), block
            pattern = rf"^def {re.escape(name)}\("
            assert re.search(pattern, (ROOT / file).read_text(), re.MULTILINE), block.test
        if block.title.startswith(NOT_RUN):
            assert re.fullmatch(rf"{NOT_RUN}( as it is)?: \w.+", block.title), block.title


@ON_PAGES
def test_files_are_valid(page: Path) -> None:
    values_schema = json.loads((CHART / "values.schema.json").read_text())
    for name, document in files(page):
        if name == "values.yaml":
            jsonschema.validate(document, values_schema)
        elif document.get("kind") == "ExposedApp":
            assert find_problems(document) == []
        else:
            assert not name or document["kind"] in OTHERS


def test_kind_and_the_chart_get_the_same_ports() -> None:
    shown = dict(files(DOCS / "how-to" / "docker-desktop.md"))
    [node] = shown["kind.yaml"]["nodes"]
    assert node["extraPortMappings"] == shown["values.yaml"]["portMappings"]


def test_what_differs_between_clusters_is_not_compared() -> None:
    shown = "hello   http://172.18.0.2:31764   True   8s\nhttp://172.18.0.2:30475\n"
    live = "hello http://10.0.0.7:30001 True 2m5s\nhttp://10.0.0.7:30475\n"
    assert comparable(shown, {"30475"}) == comparable(live, {"30475"})
    assert comparable(shown, {"30475"}) != comparable(live.replace("30475", "30476"), {"30475"})
    assert comparable(shown, set()) != comparable(live.replace("True", "False"), set())
