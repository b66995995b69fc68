# SPDX-License-Identifier: Apache-2.0
"""`exposedapp import`: writes ExposedApps for the Deployments in manifests, and takes them over."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from exposedapp.api.meta import Json
from exposedapp.cli.arguments import parse_duration
from exposedapp.cli.commands.expose import check_and_report, take_over_and_wait
from exposedapp.cli.connection import ConnectionOptions, run_with_client
from exposedapp.cli.exit_codes import CommandError, ExitCode
from exposedapp.cli.files import read_documents
from exposedapp.cli.manifests import unfold_lists
from exposedapp.cli.options import (
    DEFAULT_TIMEOUT,
    Files,
    Output,
    Timeout,
    usage_errors,
    with_connection,
)
from exposedapp.cli.output import Format, print_error, print_objects

if TYPE_CHECKING:
    from exposedapp.cli.client import CliClient
    from exposedapp.cli.takeover.plan import Takeover


@with_connection
def import_files(
    files: Files,
    connection: ConnectionOptions,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Try it without a change, and print the objects.")
    ] = False,
    timeout: Timeout = DEFAULT_TIMEOUT,
    output: Output = None,
) -> None:
    """Write an ExposedApp for each Deployment in files, such as `helm template` prints them.

    What runs already is taken over without a restart; everything else in the files stays as it is.
    """
    with usage_errors():
        timeout_seconds = parse_duration(timeout)
    objects = [
        body
        for source, documents in read_documents(files)
        for index, document in enumerate(documents)
        for body in unfold_lists(document, f"{source}: document {index + 1}")
    ]
    planned = run_with_client(lambda client: _plan(client, objects), connection)
    if not planned:
        raise CommandError(ExitCode.USAGE, "the files contain no Deployment")
    if dry_run:
        print_objects([item.app for item in planned], output or Format.YAML)
        return
    for item in planned:
        take_over_and_wait(item, connection, timeout_seconds, output)


async def _plan(client: "CliClient", objects: Sequence[Json]) -> list["Takeover"]:
    from exposedapp.cli.takeover.manifests import plan_manifests

    with usage_errors():
        planned, others = await plan_manifests(client, objects)
    for item in planned:
        await check_and_report(client, item)
    for body in others:
        print_error(f"  {body['kind']} {(body.get('metadata') or {}).get('name')} stays as it is")
    return planned
