# SPDX-License-Identifier: Apache-2.0
"""The blocks of the manual's pages: each is run by tests/e2e/test_manual.py, checked, or marked."""

import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from exposedapp.cli.validation.schema_check import find_problems
from support.helm import CHART
from support.manual import DOCS, NOT_RUN, PAGES, PRINTS, STAYS_OPEN, Block, blocks, comparable

ON_PAGES = pytest.mark.parametrize(
    "page", PAGES, ids=lambda page: str(page.relative_to(DOCS).with_suffix(""))
)
OTHERS = {"Cluster", "Deployment", "Service"}
"""Kinds of objects in files of the manual that are not this project's."""


def is_known(block: Block) -> bool:
    """Whether a test knows what to do with a block."""
    match block.language:
        case "sh":
            return block.title in {"", STAYS_OPEN} or block.title.startswith(NOT_RUN)
        case "yaml":
            return block.title.endswith(".yaml")
        case "text":
            return block.title == PRINTS
        case _:
            return False


def files(page: Path) -> Iterator[tuple[str, Any]]:
    """The documents of each file that a page shows, with the file's name."""
    for block in blocks(page.read_text()):
        if block.language == "yaml":
            for document in yaml.safe_load_all(block.text):
                yield block.title, document


def test_there_are_pages_with_commands() -> None:
    run = [page for page in PAGES if any(block.is_run for block in blocks(page.read_text()))]
    assert len(run) >= 8


@ON_PAGES
def test_each_block_is_run_checked_or_marked(page: Path) -> None:
    text = page.read_text()
    parsed = list(blocks(text))
    assert 2 * len(parsed) == sum(line.lstrip().startswith("```") for line in text.splitlines())
    assert [block for block in parsed if not is_known(block)] == []
    for before, block in pairwise([Block("", "", ""), *parsed]):
        assert block.language != "text" or before.is_run, "what it prints follows what is run"


@ON_PAGES
def test_files_are_valid(page: Path) -> None:
    values_schema = json.loads((CHART / "values.schema.json").read_text())
    for name, document in files(page):
        if name == "values.yaml":
            jsonschema.validate(document, values_schema)
        elif document["kind"] == "ExposedApp":
            assert find_problems(document) == []
        else:
            assert document["kind"] in OTHERS


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
