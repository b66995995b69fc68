"""Waits until an app is ready, and tells what it waits for."""

import asyncio
from collections.abc import Callable

from exposedapp.api.meta import Json
from exposedapp.cli.client import Server
from exposedapp.cli.exit_codes import Exit, Failure, no_such_app
from exposedapp.cli.status_view import Verdict, verdict
from exposedapp.kube.errors import ApiError

EVERY_SECONDS = 0.5


async def wait(server: Server, name: str, seconds: float, tell: Callable[[Verdict], None]) -> Json:
    """The app, once it is ready; `tell` hears each change on the way.

    Raises Failure when the time is over, when waiting helps nobody, and when the app goes away.
    """
    clock = asyncio.get_running_loop().time
    deadline = clock() + seconds
    app, told = await server.app(name), None
    while True:
        now = verdict(app)
        if now != told:
            tell(now)
            told = now
        if now.ready:
            return app
        if now.stalled:
            raise Failure(Exit.UNWELL, f"{name} cannot become ready. {now}")
        if clock() >= deadline:
            raise Failure(Exit.UNWELL, f"{name} is not ready after {seconds:g} s. {now}")
        await asyncio.sleep(min(EVERY_SECONDS, max(deadline - clock(), 0.01)))
        try:
            found = await server.find(name)
        except ApiError as error:
            if error.status in range(400, 429):
                raise
            continue  # the API server may be back in time
        if found is None:
            raise no_such_app(server.namespace, name)
        app = found
