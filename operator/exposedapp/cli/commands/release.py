# SPDX-License-Identifier: Apache-2.0
"""`exposedapp release`: ends an app, and leaves its Deployment and Service as they run."""

from exposedapp.api.meta import Json
from exposedapp.cli.arguments import parse_duration
from exposedapp.cli.connection import ConnectionOptions, run_with_client
from exposedapp.cli.options import DEFAULT_TIMEOUT, Name, Timeout, usage_errors, with_connection
from exposedapp.cli.output import print_text


@with_connection
def release_children(
    name: Name, connection: ConnectionOptions, timeout: Timeout = DEFAULT_TIMEOUT
) -> None:
    """Delete an app and give its Deployment and Service back as plain objects that run on."""
    from exposedapp.cli.release import release_app

    with usage_errors():
        timeout_seconds = parse_duration(timeout)
    released: list[Json] = run_with_client(
        lambda client: release_app(client, name, timeout_seconds), connection
    )
    for body in released:
        print_text(f"{body['kind'].lower()}/{name} released")
    print_text(f"exposedapp/{name} deleted")
