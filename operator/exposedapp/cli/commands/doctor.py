"""`exposedapp doctor`: finds out why an app cannot be reached from this machine."""

from typing import TYPE_CHECKING

import typer

from exposedapp.cli.connection import ConnectionOptions, run_with_client
from exposedapp.cli.doctor.diagnosis.chain import diagnose
from exposedapp.cli.options import Name, Output, with_connection
from exposedapp.cli.output import print_object, print_report

if TYPE_CHECKING:
    from exposedapp.cli.client import CliClient
    from exposedapp.cli.doctor.diagnosis.evidence import Evidence


@with_connection
def examine_app(name: Name, connection: ConnectionOptions, output: Output = None) -> None:
    """Find out why an app cannot be reached; its URLs are probed from this machine."""
    report = diagnose(run_with_client(lambda client: _collect(client, name), connection))
    if output:
        print_object(report.as_json(), output)
    else:
        print_report(report)
    raise typer.Exit(report.exit_code)


async def _collect(client: "CliClient", name: str) -> "Evidence":
    # Imports aiohttp and the client library: see connection.py.
    from exposedapp.cli.doctor.collect import collect_evidence

    return await collect_evidence(client, name)
