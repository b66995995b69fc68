# SPDX-License-Identifier: Apache-2.0
"""The program: its commands by name, its version, its exit codes.

Called by __main__ and by the completion.
"""

from collections.abc import Callable
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from exposedapp.cli.commands.bundle import write_bundle
from exposedapp.cli.commands.create import create_app
from exposedapp.cli.commands.doctor import examine_app
from exposedapp.cli.commands.export import export_children
from exposedapp.cli.commands.expose import expose_source
from exposedapp.cli.commands.import_files import import_files
from exposedapp.cli.commands.list import list_apps
from exposedapp.cli.commands.open import open_app
from exposedapp.cli.commands.release import release_children
from exposedapp.cli.commands.render import render_file
from exposedapp.cli.commands.status import show_status
from exposedapp.cli.commands.urls import show_urls
from exposedapp.cli.commands.wait import wait_for_app
from exposedapp.cli.exit_codes import EXIT_CODES_HELP, CommandError
from exposedapp.cli.output import print_error, print_text
from exposedapp.version import __version__

COMMANDS: dict[str, Callable[..., None]] = {
    "create": create_app,
    "list": list_apps,
    "status": show_status,
    "urls": show_urls,
    "open": open_app,
    "wait": wait_for_app,
    "doctor": examine_app,
    "bundle": write_bundle,
    "render": render_file,
    "expose": expose_source,
    "import": import_files,
    "export": export_children,
    "release": release_children,
}


class CommandGroup(TyperGroup):
    """All commands; an expected error becomes one line and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except CommandError as error:
            print_error(f"Error: {error}")
            raise typer.Exit(error.code) from error


app = typer.Typer(
    cls=CommandGroup,
    epilog=EXIT_CODES_HELP,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # brackets in the help are text, not markup
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(requested: bool) -> None:
    if requested:
        print_text(f"exposedapp {__version__}")
        raise typer.Exit


@app.callback()
def options(
    _: Annotated[
        bool,
        typer.Option("--version", is_eager=True, callback=_print_version, help="Show the version."),
    ] = False,
) -> None:
    """Create, open and examine ExposedApps."""


for name, command in COMMANDS.items():
    app.command(name, epilog=EXIT_CODES_HELP)(command)
