# SPDX-License-Identifier: Apache-2.0
"""Prints results: tables and colours on a terminal, lines, JSON or YAML for programs."""

import json
import sys
from collections.abc import Sequence
from enum import StrEnum

import yaml
from rich.console import Console
from rich.table import Table
from rich.text import Text

from exposedapp.api.meta import Json
from exposedapp.cli.doctor.diagnosis.report import Report, Step


class Format(StrEnum):
    """The values of -o."""

    JSON = "json"
    YAML = "yaml"


class TableFormat(StrEnum):
    """The values of -o of the commands that print a table."""

    JSON = "json"
    YAML = "yaml"
    PLAIN = "plain"


class ReportFormat(StrEnum):
    """The values of -o of `doctor`."""

    JSON = "json"
    YAML = "yaml"
    HTML = "html"


STYLES = {True: "green", False: "red", None: "dim"}

MARKS = {True: "✓", False: "✗", None: "-"}

ASCII_MARKS = {True: "+", False: "x", None: "-"}
"""For an output that cannot encode the others: a pipe on Windows (cp1252), LC_ALL=C."""

STEP_NAME_WIDTH = 15


def printable(text: str) -> str:
    """The text without characters that control a terminal: others have written parts of it."""
    return "".join(
        character if character.isprintable() or character == "\n" else " " for character in text
    )


def print_text(text: str) -> None:
    """Print one or more lines to the standard output."""
    print(printable(text))  # noqa: T201 - it is a command line


def print_error(text: str) -> None:
    """Print to the standard error, which programs do not read."""
    print(printable(text), file=sys.stderr)  # noqa: T201


def print_object(value: Json, form: str) -> None:
    """Print one object as JSON or YAML."""
    print_text(json.dumps(value, indent=2) if form == Format.JSON else _to_yaml([value]))


def print_objects(objects: Sequence[Json], form: str) -> None:
    """Print several objects as `kubectl apply -f -` takes them."""
    if form == Format.JSON:
        print_object({"apiVersion": "v1", "kind": "List", "items": list(objects)}, form)
    else:
        print_text(_to_yaml(objects))


def print_table(
    headings: Sequence[str], rows: Sequence[Sequence[str]], *, plain: bool = False
) -> None:
    """Print a table on a terminal, else lines with a tab between the columns."""
    console = Console()
    if plain or not console.is_terminal:
        for row in rows:
            print("\t".join(map(printable, row)))  # noqa: T201
        return
    table = Table(*headings, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        table.add_row(*(Text(printable(text), overflow="fold") for text in row))
    console.print(table)


def print_report(report: Report) -> None:
    """Print the doctor's steps as a list, then its finding."""
    console = Console()
    print_steps(report.steps)
    console.print()
    console.print(Text(printable(report.finding.text)), soft_wrap=not console.is_terminal)


def print_steps(steps: Sequence[Step]) -> None:
    """Print the links of a chain, one on each line."""
    console = Console()
    marks = MARKS if can_print("".join(MARKS.values())) else ASCII_MARKS
    for step in steps:
        console.print(_step_line(step, marks[step.ok]), soft_wrap=True)


def can_print(text: str) -> bool:
    """Whether the encoding of the standard output has all characters of the text."""
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _step_line(step: Step, mark: str) -> Text:
    return Text.assemble(
        (mark, STYLES[step.ok]), f" {step.name:<{STEP_NAME_WIDTH}} {printable(step.detail)}"
    )


def _to_yaml(objects: Sequence[Json]) -> str:
    text = str(yaml.safe_dump_all(objects, sort_keys=False, allow_unicode=True))
    if not can_print(text):
        text = str(yaml.safe_dump_all(objects, sort_keys=False, allow_unicode=False))
    return text.rstrip()
