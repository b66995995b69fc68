# SPDX-License-Identifier: Apache-2.0
"""Runs the part of a command that needs the cluster.

Called by the commands. The client library is imported only here and only when it is needed: loading
it takes longer than `render` or `--help` take altogether.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from exposedapp.cli.exit_codes import CommandError, ExitCode
from exposedapp.kube.errors import ApiError

if TYPE_CHECKING:
    from exposedapp.cli.client import CliClient

T = TypeVar("T")

DEFAULT_REQUEST_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class ConnectionOptions:
    """Which cluster and namespace a command is about, and how long one request may take."""

    namespace: str | None = None
    context: str | None = None
    kubeconfig: str | None = None
    request_seconds: float | None = DEFAULT_REQUEST_SECONDS
    """None: without a limit."""


def run_with_client(
    work: Callable[["CliClient"], Awaitable[T]], connection: ConnectionOptions
) -> T:
    """The result of `work` with a client for the kubeconfig's context.

    Raises CommandError when there is no cluster, or when it refuses a request.
    """
    from exposedapp.cli.client import CliClient
    from exposedapp.cli.connection_errors import explain_api_error

    async def connect_and_work() -> T:
        client = await CliClient.connect(connection)
        try:
            return await work(client)
        except ApiError as error:
            message = explain_api_error(error, client.kube.transport.host)
            raise CommandError(ExitCode.CLUSTER, message) from error
        finally:
            await client.close()

    return asyncio.run(connect_and_work())
