"""How answers look: tables and colours for people, lines and JSON for programs."""

import json
import sys
from collections.abc import Sequence
from enum import StrEnum

import yaml
from rich.console import Console
from rich.table import Table
from rich.text import Text

from exposedapp.api.meta import Json
from exposedapp.cli.doctor.report import Report, Step


class Format(StrEnum):
    """What -o takes."""

    JSON = "json"
    YAML = "yaml"


class WaysFormat(StrEnum):
    """What -o of `urls` takes."""

    JSON = "json"
    YAML = "yaml"
    PLAIN = "plain"


MARKS = {True: ("✓", "green"), False: ("✗", "red"), None: ("-", "dim")}


def clean(text: str) -> str:
    """Text of other people's, without what would steer a terminal."""
    return "".join(it if it.isprintable() or it == "\n" else " " for it in text)


def say(text: str) -> None:
    """A line, or several, exactly as they are."""
    print(clean(text))  # noqa: T201 - it is a command line


def complain(text: str) -> None:
    """A line for the person, beside what programs read."""
    print(clean(text), file=sys.stderr)  # noqa: T201


def dump(value: Json, form: str) -> None:
    """One object, for programs."""
    if form == Format.JSON:
        say(json.dumps(value, indent=2))
    else:
        say(yaml.safe_dump(value, sort_keys=False, allow_unicode=True).rstrip())


def dump_objects(objects: Sequence[Json], form: str) -> None:
    """Several objects, as `kubectl apply -f -` takes them."""
    if form == Format.JSON:
        dump({"apiVersion": "v1", "kind": "List", "items": list(objects)}, form)
    else:
        say(yaml.safe_dump_all(objects, sort_keys=False, allow_unicode=True).rstrip())


def show_rows(rows: Sequence[tuple[str, str]], plain: bool) -> None:
    """Pairs: a table on a terminal, else lines with a tab in between."""
    console = Console()
    if plain or not console.is_terminal:
        for kind, text in rows:
            print(f"{clean(kind)}\t{clean(text)}")  # noqa: T201
        return
    table = Table("from", "address", box=None, pad_edge=False, header_style="bold")
    for kind, text in rows:
        table.add_row(kind, Text(clean(text), overflow="fold"))
    console.print(table)


def show_report(report: Report) -> None:
    """The chain as a list, then the diagnosis."""
    console = Console()
    for it in report.steps:
        console.print(_line(it), soft_wrap=True)
    console.print()
    console.print(Text(clean(report.finding.text)), soft_wrap=not console.is_terminal)


def _line(step: Step) -> Text:
    mark, style = MARKS[step.ok]
    return Text.assemble((mark, style), f" {step.step:<15} {clean(step.detail)}")
