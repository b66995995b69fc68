# SPDX-License-Identifier: Apache-2.0
"""`exposedapp list`: all apps, those that are not ready first, with what to do."""

from typing import Annotated

import typer

from exposedapp.cli.connection import ConnectionOptions, run_with_client
from exposedapp.cli.options import AllNamespaces, with_connection
from exposedapp.cli.output import (
    TableFormat,
    print_error,
    print_object,
    print_table,
)
from exposedapp.cli.summary import AppSummary, not_ready_first, summarize


@with_connection
def list_apps(
    connection: ConnectionOptions,
    all_namespaces: AllNamespaces = False,
    output: Annotated[
        TableFormat | None,
        typer.Option("--output", "-o", help="Output format. Default: a table on a terminal."),
    ] = None,
) -> None:
    """List apps with their state, what to do about it, and their URL."""
    apps = run_with_client(lambda client: client.list_apps(all_namespaces), connection)
    summaries = sorted(map(summarize, apps), key=not_ready_first)
    if output in (TableFormat.JSON, TableFormat.YAML):
        print_object({"items": [summary.as_json() for summary in summaries]}, output)
        return
    if not summaries:
        print_error("No ExposedApp was found.")
        return
    headings = ["NAME", "READY", "REASON", "URL", "WHAT TO DO"]
    rows = [_row(summary) for summary in summaries]
    if all_namespaces:
        headings = ["NAMESPACE", *headings]
        rows = [[summary.namespace, *row] for summary, row in zip(summaries, rows, strict=True)]
    print_table(headings, rows, plain=output == TableFormat.PLAIN)


def _row(summary: AppSummary) -> list[str]:
    ready = "True" if summary.ready else "False"
    advice = "" if summary.ready else " ".join(filter(None, (summary.message, summary.advice)))
    return [summary.name, ready, summary.reason, summary.url, advice]
