# SPDX-License-Identifier: Apache-2.0
"""`exposedapp doctor`: finds out why an app cannot be reached from this machine."""

from typing import TYPE_CHECKING, Annotated

import typer

from exposedapp.api.meta import Json
from exposedapp.api.readiness import readiness_of
from exposedapp.cli.connection import ConnectionOptions, run_with_client
from exposedapp.cli.doctor.diagnosis.chain import diagnose
from exposedapp.cli.doctor.diagnosis.report import DiagnosisCode, Report
from exposedapp.cli.doctor.html_report import render_html
from exposedapp.cli.exit_codes import ExitCode
from exposedapp.cli.options import AllNamespaces, dns_label, usage_errors, with_connection
from exposedapp.cli.output import ReportFormat, print_object, print_report, print_text

if TYPE_CHECKING:
    from exposedapp.cli.client import CliClient


@with_connection
def examine_app(
    connection: ConnectionOptions,
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME", help="Name of the ExposedApp.", show_default=False, callback=dns_label
        ),
    ] = None,
    all_namespaces: AllNamespaces = False,
    output: Annotated[
        ReportFormat | None,
        typer.Option("--output", "-o", help="Output format; html is one page for people."),
    ] = None,
) -> None:
    """Find out why an app cannot be reached; its URLs are probed from this machine.

    With -A instead of a name: every app that is not ready.
    """
    with usage_errors():
        if (name is None) != all_namespaces:
            raise ValueError("write the name of an app, or -A for all that are not ready")
    if name is None:
        _examine_all(connection, output)
    else:
        _examine(name, connection, output)


def _examine(name: str, connection: ConnectionOptions, output: str | None) -> None:
    namespace, report = run_with_client(lambda client: _diagnose(client, name), connection)
    if output == ReportFormat.HTML:
        print_text(render_html({(namespace, name): report}))
    elif output:
        print_object(report.as_json(), output)
    else:
        print_report(report)
    raise typer.Exit(report.exit_code)


def _examine_all(connection: ConnectionOptions, output: str | None) -> None:
    apps, reports = run_with_client(_diagnose_all, connection)
    if output == ReportFormat.HTML:
        print_text(render_html(reports))
    elif output:
        items = [
            {"namespace": namespace, "name": name, **report.as_json()}
            for (namespace, name), report in reports.items()
        ]
        print_object({"items": items}, output)
    else:
        for (namespace, name), report in reports.items():
            print_text(f"{namespace}/{name}")
            print_report(report)
            print_text("")
        print_text(f"{len(apps) - len(reports)} of {len(apps)} apps are ready.")
    broken = any(report.finding.code != DiagnosisCode.FINE for report in reports.values())
    raise typer.Exit(ExitCode.APP_PROBLEM if broken else ExitCode.OK)


async def _diagnose(client: "CliClient", name: str) -> tuple[str, Report]:
    """The namespace, and the report on the app."""
    # Imports aiohttp and the client library: see connection.py.
    from exposedapp.cli.doctor.collect import collect_evidence

    return client.namespace, diagnose(await collect_evidence(client, name))


async def _diagnose_all(
    client: "CliClient",
) -> tuple[list[Json], dict[tuple[str, str], Report]]:
    """All apps, and the reports on those that are not ready, one after the other."""
    apps = await client.list_apps(all_namespaces=True)
    reports = {}
    for app in apps:
        if not readiness_of(app).ready:
            namespace, name = app["metadata"]["namespace"], app["metadata"]["name"]
            _, report = await _diagnose(client.in_namespace(namespace), name)
            reports[namespace, name] = report
    return apps, reports
