# SPDX-License-Identifier: Apache-2.0
"""`exposedapp expose`: writes the ExposedApp for what runs already, and takes it over."""

from typing import TYPE_CHECKING, Annotated

import typer

from exposedapp.cli.arguments import parse_duration, parse_labels, parse_ports
from exposedapp.cli.commands.create import ServiceType
from exposedapp.cli.commands.wait import wait_until_ready
from exposedapp.cli.connection import ConnectionOptions, run_with_client
from exposedapp.cli.conversion.to_app import Exposure
from exposedapp.cli.options import (
    DEFAULT_TIMEOUT,
    Output,
    Timeout,
    dns_label,
    show_progress,
    usage_errors,
    with_connection,
)
from exposedapp.cli.output import Format, print_error, print_object, print_text
from exposedapp.cli.status_view import main_url

if TYPE_CHECKING:
    from exposedapp.cli.client import CliClient
    from exposedapp.cli.takeover.plan import Takeover

HELM_RELEASE = "meta.helm.sh/release-name"


@with_connection
def expose_source(
    connection: ConnectionOptions,
    source: Annotated[
        str | None,
        typer.Argument(
            metavar="KIND/NAME",
            help="deployment/NAME, statefulset/NAME or service/NAME.",
            show_default=False,
        ),
    ] = None,
    selector: Annotated[
        str | None,
        typer.Option(metavar="KEY=VALUE,...", help="Instead: the labels of pods; needs --name."),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Name of the ExposedApp, if another than the object's: the object is not taken "
            "over then, and gets a second Service.",
            callback=dns_label,
        ),
    ] = None,
    port: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PORT",
            help="PORT[:TARGETPORT][/udp][@NODEPORT]; repeat for each. Default: the ports of the "
            "Service or of the containers.",
        ),
    ] = None,
    service_type: Annotated[
        ServiceType | None,
        typer.Option(
            "--type",
            case_sensitive=False,
            help="Type of the Service. Default: NodePort, or LoadBalancer if it is one.",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Try it without a change, and print the object.")
    ] = False,
    timeout: Timeout = DEFAULT_TIMEOUT,
    output: Output = None,
) -> None:
    """Expose what runs already, and take it over without a restart."""
    from exposedapp.cli.takeover.sources import parse_source

    with usage_errors():
        timeout_seconds = parse_duration(timeout)
        exposure = Exposure(
            parse_ports(port) if port else (), service_type.value if service_type else None
        )
        labels = parse_labels(selector) if selector else {}
        if (source is None) == (not labels):
            raise ValueError("write one of KIND/NAME and --selector")
        if labels and not name:
            raise ValueError("--selector needs --name, the name of the ExposedApp")
        resource, source_name = parse_source(source) if source else (None, "")

    async def plan(client: "CliClient") -> "Takeover":
        from exposedapp.cli.takeover.plan import plan_exposure, plan_selector

        with usage_errors():
            if resource:
                app_name = name or source_name
                planned = await plan_exposure(client, resource, source_name, app_name, exposure)
            else:
                planned = plan_selector(client, name or "", labels, exposure)
        await check_and_report(client, planned)
        return planned

    planned = run_with_client(plan, connection)
    if dry_run:
        print_object(planned.app, output or Format.YAML)
    else:
        take_over_and_wait(planned, connection, timeout_seconds, output)


async def check_and_report(client: "CliClient", planned: "Takeover") -> None:
    """Try everything without writing, and print what the app does not get."""
    from exposedapp.cli.takeover.apply import check

    await check(client, planned)
    for number, service in planned.left_out.items():
        print_error(f"  node port {number} is left out: Service {service} keeps it")


def take_over_and_wait(
    planned: "Takeover", connection: ConnectionOptions, timeout_seconds: float, output: str | None
) -> None:
    """Create the app, and wait until it is ready; print what happens, and its URL."""
    from exposedapp.cli.takeover.apply import take_over

    app = run_with_client(lambda client: take_over(client, planned), connection)
    name = app["metadata"]["name"]
    if not output:
        print_text(f"exposedapp/{name} created in namespace {app['metadata']['namespace']}")
    for body in planned.objects:
        print_error(f"  takes over {body['kind'].lower()}/{body['metadata']['name']}")
        if release := (body["metadata"].get("annotations") or {}).get(HELM_RELEASE):
            print_error(f"  which is of the Helm release {release}: take it out of the chart")
    app = run_with_client(
        lambda client: wait_until_ready(client, name, timeout_seconds, show_progress), connection
    )
    if output:
        print_object(app, output)
    else:
        print_text(main_url(app))
