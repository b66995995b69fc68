# SPDX-License-Identifier: Apache-2.0
"""`exposedapp create`: creates an ExposedApp from an image."""

from enum import StrEnum
from typing import Annotated

import typer

from exposedapp.cli.arguments import make_app, parse_duration
from exposedapp.cli.commands.wait import wait_until_ready
from exposedapp.cli.connection import ConnectionOptions, run_with_client
from exposedapp.cli.exit_codes import CommandError, ExitCode
from exposedapp.cli.options import (
    DEFAULT_TIMEOUT,
    Name,
    Output,
    Timeout,
    show_progress,
    usage_errors,
    with_connection,
)
from exposedapp.cli.output import Format, print_object, print_text
from exposedapp.cli.status_view import main_url
from exposedapp.cli.validation.schema_check import find_problems


class ServiceType(StrEnum):
    """The values of --type."""

    NODE_PORT = "NodePort"
    CLUSTER_IP = "ClusterIP"
    LOAD_BALANCER = "LoadBalancer"


@with_connection
def create_app(
    name: Name,
    connection: ConnectionOptions,
    image: Annotated[
        str, typer.Option(metavar="IMAGE", help="Container image.", show_default=False)
    ],
    port: Annotated[
        list[str],
        typer.Option(
            metavar="PORT",
            help="PORT[:TARGETPORT][/udp][@NODEPORT], such as 80:8080; repeat for each port.",
            show_default=False,
        ),
    ],
    replicas: Annotated[
        int | None, typer.Option(metavar="N", min=0, help="Number of pods.")
    ] = None,
    env: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="Environment variable; repeat for each."),
    ] = None,
    service_type: Annotated[
        ServiceType | None,
        typer.Option("--type", case_sensitive=False, help="Type of the Service."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only print the object, for `kubectl apply -f -`.")
    ] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until the app is ready.")] = False,
    timeout: Timeout = DEFAULT_TIMEOUT,
    output: Output = None,
) -> None:
    """Create an ExposedApp from an image."""
    with usage_errors():
        timeout_seconds = parse_duration(timeout)
        app = make_app(
            name,
            image,
            port,
            replicas=replicas,
            env=env or (),
            service_type=service_type and service_type.value,
            namespace=connection.namespace,
        )
    if problems := find_problems(app):
        raise CommandError(ExitCode.USAGE, "\n".join(problems))
    if dry_run:
        print_object(app, output or Format.YAML)
        return

    app = run_with_client(lambda client: client.create_app(app), connection)
    if not output:
        print_text(f"exposedapp/{name} created in namespace {app['metadata']['namespace']}")
    if wait:
        app = run_with_client(
            lambda client: wait_until_ready(client, name, timeout_seconds, show_progress),
            connection,
        )
    if output:
        print_object(app, output)
    elif wait:
        print_text(main_url(app))
