# SPDX-License-Identifier: Apache-2.0
"""`exposedapp render`: shows the children of ExposedApps in files, without a cluster."""

from typing import Annotated

import typer

from exposedapp.cli.exit_codes import CommandError, ExitCode
from exposedapp.cli.files import read_documents
from exposedapp.cli.manifests import render_children
from exposedapp.cli.options import Files
from exposedapp.cli.output import Format, print_objects


def render_file(
    files: Files,
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
    """Show the Deployment and Service of each ExposedApp in files; needs no cluster."""
    sources = list(read_documents(files))
    children = [
        child
        for source, documents in sources
        for child in render_children(documents, source, namespace)
    ]
    if not children:
        names = ", ".join(source for source, _ in sources)
        raise CommandError(ExitCode.USAGE, f"{names}: contains no ExposedApp")
    print_objects(children, output)
