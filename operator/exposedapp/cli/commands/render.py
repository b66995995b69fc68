"""`exposedapp render`: shows the children of ExposedApps in a file, without a cluster."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from exposedapp.cli.exit_codes import CommandError, ExitCode
from exposedapp.cli.manifests import parse_documents, render_children
from exposedapp.cli.output import Format, print_objects


def render_file(
    file: Annotated[
        str,
        typer.Option("--filename", "-f", metavar="FILE", help="File, or - for the standard input."),
    ],
    output: Annotated[Format, typer.Option("--output", "-o", help="Output format.")] = Format.YAML,
    namespace: Annotated[
        str | None,
        typer.Option(
            "--namespace",
            "-n",
            metavar="NAME",
            help="Namespace of ExposedApps for which the file names none.",
        ),
    ] = None,
) -> None:
    """Show the Deployment and Service of each ExposedApp in a file; needs no cluster."""
    source = "standard input" if file == "-" else file
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(ExitCode.USAGE, f"{source}: {error}") from error
    children = list(render_children(parse_documents(text, source), source, namespace))
    if not children:
        raise CommandError(ExitCode.USAGE, f"{source}: contains no ExposedApp")
    print_objects(children, output)
