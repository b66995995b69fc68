# SPDX-License-Identifier: Apache-2.0
"""`exposedapp status`: shows the chain from an app to its URLs as the cluster reports it."""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from exposedapp.api.meta import Json
from exposedapp.api.readiness import Readiness, readiness_of
from exposedapp.cli.arguments import parse_duration
from exposedapp.cli.connection import ConnectionOptions, run_with_client
from exposedapp.cli.doctor.diagnosis.chain import cluster_steps
from exposedapp.cli.doctor.diagnosis.report import Step
from exposedapp.cli.exit_codes import CommandError, ExitCode, no_such_app_error
from exposedapp.cli.options import DEFAULT_TIMEOUT, Name, Timeout, usage_errors, with_connection
from exposedapp.cli.output import print_steps, print_text

if TYPE_CHECKING:
    from exposedapp.cli.client import CliClient

POLL_INTERVAL_SECONDS = 0.5


@with_connection
def show_status(
    name: Name,
    connection: ConnectionOptions,
    watch: Annotated[
        bool,
        typer.Option(
            "--watch", "-w", help="Show each change until the app is ready, or cannot be."
        ),
    ] = False,
    timeout: Timeout = DEFAULT_TIMEOUT,
) -> None:
    """Show each link from an app to its URLs, without a probe from here."""
    with usage_errors():
        timeout_seconds = parse_duration(timeout) if watch else 0.0
    readiness = run_with_client(lambda client: _show(client, name, timeout_seconds), connection)
    if not readiness.ready:
        raise CommandError(ExitCode.APP_PROBLEM, f"{name} is not ready. {readiness}")


async def _show(client: "CliClient", name: str, timeout_seconds: float) -> Readiness:
    """Print the chain, and again after each change until the app is ready or the time is over."""
    from exposedapp.cli.doctor.collect import collect_objects

    clock = asyncio.get_running_loop().time
    deadline = clock() + timeout_seconds
    shown: Sequence[Step] = ()
    while True:
        evidence = await collect_objects(client, name)
        app: Json | None = evidence.app
        if app is None:
            raise no_such_app_error(client.namespace, name)
        steps, readiness = cluster_steps(evidence, app), readiness_of(app)
        if steps != shown:
            if shown:
                print_text("")
            print_steps(steps)
            shown = steps
        if readiness.ready or readiness.stalled or clock() >= deadline:
            return readiness
        await asyncio.sleep(POLL_INTERVAL_SECONDS)
