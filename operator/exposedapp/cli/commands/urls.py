"""`exposedapp urls`: shows every address of an app."""

from typing import Annotated

import typer

from exposedapp.api.readiness import readiness_of
from exposedapp.cli.connection import run_with_client
from exposedapp.cli.exit_codes import CommandError, ExitCode
from exposedapp.cli.options import Context, Name, Namespace
from exposedapp.cli.output import UrlsFormat, print_object, print_rows
from exposedapp.cli.status_view import address_rows, addresses_of


def show_urls(
    name: Name,
    output: Annotated[
        UrlsFormat | None,
        typer.Option("--output", "-o", help="Output format. Default: a table on a terminal."),
    ] = None,
    namespace: Namespace = None,
    context: Context = None,
) -> None:
    """Show every address of an app: URLs, DNS name, proxy path, cluster IPs, ports."""
    app = run_with_client(lambda client: client.get_app(name), context, namespace)
    addresses = addresses_of(app)
    if output in (UrlsFormat.JSON, UrlsFormat.YAML):
        print_object(addresses, output)
    elif addresses:
        print_rows(address_rows(addresses), plain=output == UrlsFormat.PLAIN)
    if not addresses:
        raise CommandError(ExitCode.APP_PROBLEM, f"{name} has no address yet. {readiness_of(app)}")
