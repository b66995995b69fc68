# SPDX-License-Identifier: Apache-2.0
"""Writes docs/values.md: every value of the chart, from values.yaml and its comments."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

import yaml

from generated_page import ROOT, update

VALUES = ROOT / "deploy" / "chart" / "exposedapp" / "values.yaml"
HEADER = """\
<!-- Generated from deploy/chart/exposedapp/values.yaml by `make generate`; do not edit. -->

# The values of the chart

Given to `helm install` and `helm upgrade` with `--set NAME=VALUE` or in a file with `--values`.
`values.schema.json` refuses names and types that are wrong.

| Value | Default | Meaning |
|---|---|---|"""
KEY = re.compile(r"^( *)([A-Za-z]+):( .*)?$")
COMMENT = re.compile(r"^ *# ?(.*)$")
INDENT = 2
ESCAPED_BAR = r"\|"  # | within a table's cell


@dataclass(frozen=True, slots=True)
class Value:
    """A key of the file: its path, and the comment above it."""

    path: tuple[str, ...]
    comment: str


def values(text: str) -> Iterator[Value]:
    """Every key with the comment above it. The file has one key a line, indented by two."""
    path: tuple[str, ...] = ()
    comment: list[str] = []
    for line in text.splitlines():
        if match := COMMENT.match(line):
            comment.append(match[1])
            continue
        if match := KEY.match(line):
            path = (*path[: len(match[1]) // INDENT], match[2])
            yield Value(path, " ".join(comment))
        comment = []


def is_group(value: Value, others: list[Value]) -> bool:
    """Whether a map's keys are values of their own; one without comments inside is one value."""
    return any(
        other.comment and other.path[: len(value.path)] == value.path
        for other in others
        if other.path != value.path
    )


def documented(text: str) -> Iterator[Value]:
    """The values that are not part of another."""
    every = list(values(text))
    groups = {value.path for value in every if is_group(value, every)}
    for value in every:
        if value.path not in groups and all(
            value.path[:length] in groups for length in range(1, len(value.path))
        ):
            yield value


def default(node: object) -> str:
    """A value as a cell shows it."""
    return f"`{node if isinstance(node, str) and node else json.dumps(node)}`"


def rows(text: str) -> Iterator[str]:
    """A line of the table for each value."""
    root = yaml.safe_load(text)
    for value in documented(text):
        node = root
        for key in value.path:
            node = node[key]
        name, meaning = f"`{'.'.join(value.path)}`", value.comment.replace("|", ESCAPED_BAR)
        yield f"| {name} | {default(node)} | {meaning} |"


def page(_: str) -> str:
    """The whole page."""
    text = VALUES.read_text()
    return "\n".join([HEADER, *rows(text)]) + "\n"


if __name__ == "__main__":
    update(ROOT / "docs" / "values.md", page)
