# SPDX-License-Identifier: Apache-2.0
"""`exposedapp wait`: waits until an app is ready; `create --wait` uses the same loop."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from exposedapp.api.meta import Json
from exposedapp.api.readiness import Readiness, readiness_of
from exposedapp.cli.arguments import parse_duration
from exposedapp.cli.connection import ConnectionOptions, run_with_client
from exposedapp.cli.exit_codes import CommandError, ExitCode, no_such_app_error
from exposedapp.cli.options import (
    DEFAULT_TIMEOUT,
    Name,
    Output,
    Timeout,
    show_progress,
    usage_errors,
    with_connection,
)
from exposedapp.cli.output import print_object, print_text
from exposedapp.cli.status_view import main_url
from exposedapp.kube.errors import ApiError

if TYPE_CHECKING:
    from exposedapp.cli.client import CliClient

POLL_INTERVAL_SECONDS = 0.5

MIN_SLEEP_SECONDS = 0.01

FINAL_STATUSES = range(400, 429)
"""Refusals that the next request would get as well; 429 and above, or no response, may pass."""


@with_connection
def wait_for_app(
    name: Name,
    connection: ConnectionOptions,
    timeout: Timeout = DEFAULT_TIMEOUT,
    output: Output = None,
) -> None:
    """Wait until an app is ready."""
    with usage_errors():
        timeout_seconds = parse_duration(timeout)
    app = run_with_client(
        lambda client: wait_until_ready(client, name, timeout_seconds, show_progress),
        connection,
    )
    if output:
        print_object(app, output)
    else:
        print_text(f"{name} is ready: {main_url(app) or readiness_of(app).message}")


async def wait_until_ready(
    client: "CliClient",
    name: str,
    timeout_seconds: float,
    on_change: Callable[[Readiness], None],
) -> Json:
    """The app, once it is ready; `on_change` is called with each new state on the way.

    Raises CommandError at the timeout, when the app is Stalled, and when it does not exist any
    more.
    """
    clock = asyncio.get_running_loop().time
    deadline = clock() + timeout_seconds
    app = await client.get_app(name)
    previous = None
    while True:
        readiness = readiness_of(app)
        if readiness != previous:
            on_change(readiness)
            previous = readiness
        if readiness.ready:
            return app
        if readiness.stalled:
            raise CommandError(ExitCode.APP_PROBLEM, f"{name} cannot become ready. {readiness}")
        if clock() >= deadline:
            raise CommandError(
                ExitCode.APP_PROBLEM,
                f"{name} is not ready after {timeout_seconds:g} s. {readiness}",
            )
        await asyncio.sleep(min(POLL_INTERVAL_SECONDS, max(deadline - clock(), MIN_SLEEP_SECONDS)))
        try:
            current = await client.find_app(name)
        except ApiError as error:
            if error.status in FINAL_STATUSES:
                raise
            continue
        if current is None:
            raise no_such_app_error(client.namespace, name)
        app = current
