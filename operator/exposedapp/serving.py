"""Serves the operator's own pages, each at a port of its own, from the event loop that works."""

import errno
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web

NO_IPV6 = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def serving(port: int, path: str, answer: Answer) -> AsyncIterator[None]:
    """Answers GET of this path, and nothing else, at this port of all addresses.

    Raises OSError when the port cannot be had.
    """
    app = web.Application()
    app.router.add_get(path, answer, allow_head=False)
    runner = web.AppRunner(app, access_log=None)
    listening = _listen(port)
    await runner.setup()
    try:
        await web.SockSite(runner, listening).start()
        yield
    finally:
        await runner.cleanup()


def health(is_ready: Callable[[], bool]) -> Answer:
    """What the kubelet is told: an answer at all means that the event loop is not stuck."""

    async def answer(_: web.Request) -> web.Response:
        if is_ready():
            return web.Response(text="ok\n")
        return web.Response(text="not everything has been listed yet\n", status=503)

    return answer


def _listen(port: int) -> socket.socket:
    """A socket that takes IPv6 and IPv4, or only IPv4 where there is no other."""
    if socket.has_dualstack_ipv6():
        try:
            return socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True)
        except OSError as error:
            if error.errno not in NO_IPV6:
                raise
    return socket.create_server(("", port))
