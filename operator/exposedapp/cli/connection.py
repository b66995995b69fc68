"""Runs the part of a command that needs the cluster.

Called by the commands. The client library is imported only here and only when it is needed: loading
it takes longer than `render` or `--help` take altogether.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from exposedapp.cli.exit_codes import CommandError, ExitCode
from exposedapp.kube.errors import ApiError

if TYPE_CHECKING:
    from exposedapp.cli.client import CliClient

T = TypeVar("T")


def run_with_client(
    work: Callable[["CliClient"], Awaitable[T]], context: str | None, namespace: str | None
) -> T:
    """The result of `work` with a client for the kubeconfig's context.

    Raises CommandError when there is no cluster, or when it refuses a request.
    """
    from exposedapp.cli.client import CliClient

    async def connect_and_work() -> T:
        client = await CliClient.connect(context, namespace)
        try:
            return await work(client)
        except ApiError as error:
            raise CommandError(ExitCode.CLUSTER, error.message) from error
        finally:
            await client.close()

    return asyncio.run(connect_and_work())
