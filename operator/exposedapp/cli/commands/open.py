# SPDX-License-Identifier: Apache-2.0
"""`exposedapp open`: opens an app in the browser."""

import webbrowser

from exposedapp.api.meta import Json
from exposedapp.api.readiness import readiness_of
from exposedapp.cli.connection import ConnectionOptions, run_with_client
from exposedapp.cli.exit_codes import CommandError, ExitCode
from exposedapp.cli.options import Name, with_connection
from exposedapp.cli.output import print_error, print_text
from exposedapp.cli.ports import port_forward_hint
from exposedapp.cli.program import program_name
from exposedapp.cli.status_view import main_url

BROWSER_SCHEMES = ("http://", "https://")


@with_connection
def open_app(name: Name, connection: ConnectionOptions) -> None:
    """Open an app in the browser."""
    app = run_with_client(lambda client: client.get_app(name), connection)
    url, readiness = main_url(app), readiness_of(app)
    if not readiness.ready or not url:
        raise CommandError(
            ExitCode.APP_PROBLEM,
            f"{name} is not ready. {readiness}\n"
            f"Run `{program_name()} doctor {name}` for the cause.",
        )
    print_text(url)
    if url == app["status"].get("clusterURL"):
        raise CommandError(
            ExitCode.APP_PROBLEM,
            f"this address is reachable inside the cluster only; {_access_from_here(app)}",
        )
    if not url.startswith(BROWSER_SCHEMES):
        print_error("A browser cannot open this address.")
    elif not webbrowser.open(url):
        print_error("No browser was found.")


def _access_from_here(app: Json) -> str:
    """How to reach an app that has no address outside the cluster."""
    external_name = (app["spec"].get("service") or {}).get("externalName")
    if external_name:
        return f"it is an alias for {external_name}: open that"
    metadata = app["metadata"]
    return f"from here: {port_forward_hint(metadata['namespace'], metadata['name'], app)}"
