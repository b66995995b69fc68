# SPDX-License-Identifier: Apache-2.0
"""`exposedapp urls`: shows every address of an app."""

from typing import Annotated

import typer

from exposedapp.api.readiness import readiness_of
from exposedapp.cli.connection import ConnectionOptions, run_with_client
from exposedapp.cli.exit_codes import CommandError, ExitCode
from exposedapp.cli.options import Name, with_connection
from exposedapp.cli.output import TableFormat, print_object, print_table
from exposedapp.cli.status_view import address_rows, addresses_of

HEADINGS = ("from", "address")


@with_connection
def show_urls(
    name: Name,
    connection: ConnectionOptions,
    output: Annotated[
        TableFormat | None,
        typer.Option("--output", "-o", help="Output format. Default: a table on a terminal."),
    ] = None,
) -> None:
    """Show every address of an app: URLs, DNS name, proxy path, cluster IPs, ports."""
    app = run_with_client(lambda client: client.get_app(name), connection)
    addresses = addresses_of(app)
    if output in (TableFormat.JSON, TableFormat.YAML):
        print_object(addresses, output)
    elif addresses:
        print_table(HEADINGS, address_rows(addresses), plain=output == TableFormat.PLAIN)
    if not addresses:
        raise CommandError(ExitCode.APP_PROBLEM, f"{name} has no address yet. {readiness_of(app)}")
