"""What needs a cluster: each function is one connection to it.

The client library takes a while to load: this is imported only by a command that needs it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from exposedapp.api.meta import Json
from exposedapp.cli.client import Server
from exposedapp.cli.doctor.facts import Facts
from exposedapp.cli.doctor.gather import gather
from exposedapp.cli.exit_codes import Exit, Failure
from exposedapp.cli.status_view import Verdict
from exposedapp.cli.waiting import wait
from exposedapp.kube.errors import ApiError

T = TypeVar("T")


def create(body: Json, context: str | None, namespace: str | None) -> Json:
    """Creates an app; the answer is the object as it is now."""
    return _run(lambda server: server.create(body), context, namespace)


def find(name: str, context: str | None, namespace: str | None) -> Json:
    """An app as it is now."""
    return _run(lambda server: server.app(name), context, namespace)


def wait_for(
    name: str,
    seconds: float,
    tell: Callable[[Verdict], None],
    context: str | None,
    namespace: str | None,
) -> Json:
    """The app, once it is ready."""
    return _run(lambda server: wait(server, name, seconds, tell), context, namespace)


def examine(name: str, context: str | None, namespace: str | None) -> Facts:
    """The facts about an app."""
    return _run(lambda server: gather(server, name), context, namespace)


def _run(work: Callable[[Server], Awaitable[T]], context: str | None, namespace: str | None) -> T:
    async def connected() -> T:
        server = await Server.connect(context, namespace)
        try:
            return await work(server)
        except ApiError as error:
            raise Failure(Exit.CLUSTER, error.message) from error
        finally:
            await server.close()

    return asyncio.run(connected())
