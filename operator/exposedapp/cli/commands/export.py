# SPDX-License-Identifier: Apache-2.0
"""`exposedapp export`: prints an app's Deployment and Service as plain manifests."""

from typing import TYPE_CHECKING, Annotated

import typer

from exposedapp.api.meta import CHILD_KINDS, AppRef, Json
from exposedapp.cli.connection import ConnectionOptions, run_with_client
from exposedapp.cli.conversion.to_manifest import plain_manifest
from exposedapp.cli.exit_codes import CommandError, ExitCode
from exposedapp.cli.options import Name, with_connection
from exposedapp.cli.output import Format, print_objects
from exposedapp.desired.adoption import is_owner

if TYPE_CHECKING:
    from exposedapp.cli.client import CliClient


@with_connection
def export_children(
    name: Name,
    connection: ConnectionOptions,
    output: Annotated[Format, typer.Option("--output", "-o", help="Output format.")] = Format.YAML,
) -> None:
    """Print an app's Deployment and Service as plain manifests, as they are in the cluster."""
    children = run_with_client(lambda client: _children(client, name), connection)
    if not children:
        raise CommandError(ExitCode.APP_PROBLEM, f"{name} has neither a Deployment nor a Service")
    print_objects([plain_manifest(child, name) for child in children], output)


async def _children(client: "CliClient", name: str) -> list[Json]:
    app = await client.get_app(name)
    ref = AppRef(client.namespace, name, app["metadata"]["uid"])
    children = [await client.kube.get(kind, client.namespace, name) for kind in CHILD_KINDS]
    return [child for child in children if child and is_owner(ref, child)]
