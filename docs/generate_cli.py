# SPDX-License-Identifier: Apache-2.0
"""Writes the tables of commands and options in docs/cli.md, from the program's own help."""

from collections.abc import Iterator
from enum import Enum
from typing import Any

from typer.main import get_command

from exposedapp.cli.app import app
from generated_page import ROOT, replace_part, update

COMMANDS = ("<!-- begin: `make generate` writes this table -->", "<!-- end -->")
OPTIONS = ("<!-- begin: `make generate` writes these tables -->", "<!-- end of options -->")

WITHOUT_CLUSTER = {"render"}


def main() -> None:
    """Rewrite the two parts of the page."""
    group: Any = get_command(app)

    def render(page: str) -> str:
        page = replace_part(page, *COMMANDS, command_table(group))
        return replace_part(page, *OPTIONS, option_tables(group))

    update(ROOT / "docs" / "cli.md", render)


def command_table(group: Any) -> Iterator[str]:
    """One row for each command."""
    yield "| command | what it does |"
    yield "|---|---|"
    for name, command in group.commands.items():
        summary = command.help.partition("\n\n")[0].replace("\n", " ").rstrip(".")
        yield f"| `{usage(name, command)}` | {summary} |"


def usage(name: str, command: Any) -> str:
    """A command with its arguments and what it must be given."""
    arguments = [
        argument.metavar if argument.required else f"[{argument.metavar}]"
        for argument in command.params
        if argument.param_type_name == "argument"
    ]
    needed = [
        f"{option.opts[0]} {option.metavar}"
        for option in command.params
        if option.param_type_name == "option" and option.required
    ]
    return " ".join([name, *arguments, *needed])


def option_tables(group: Any) -> Iterator[str]:
    """The options of each command, without those that all have that need a cluster."""
    common = connection_options(group)
    for name, command in group.commands.items():
        options = [
            option
            for option in command.params
            if option.param_type_name == "option" and option.name not in {*common, "help"}
        ]
        if options:
            yield f"\n### {name}\n"
            yield "| option | meaning |"
            yield "|---|---|"
            yield from map(row, options)
    yield ""


def connection_options(group: Any) -> set[str]:
    """The names of the options that every command has that needs a cluster."""
    names = [
        {option.name for option in command.params if option.param_type_name == "option"}
        for name, command in group.commands.items()
        if name not in WITHOUT_CLUSTER
    ]
    return set.intersection(*names)


def row(option: Any) -> str:
    """An option with its value, meaning and default."""
    kind = option.type_descriptor.annotation
    choices = list(kind) if isinstance(kind, type) and issubclass(kind, Enum) else []
    value = option.metavar or ", ".join(f"`{value_text(choice)}`" for choice in choices)
    names = ", ".join(f"`{name}`" for name in option.opts)
    text = f"{names}{f' {value}' if value else ''}"
    default = option.default
    has_default = default not in (None, False, (), "") and not callable(default)
    shown = f" Default: {value_text(default)}." if has_default and not option.required else ""
    return f"| {text} | {option.help.replace('|', chr(92) + '|')}{shown} |"


def value_text(value: Any) -> str:
    """A choice as it is typed."""
    return str(getattr(value, "value", value))


if __name__ == "__main__":
    main()
