# SPDX-License-Identifier: Apache-2.0
"""HTTP servers for health, metrics and admission, on the operator's event loop.

Called by runtime.py.
"""

import asyncio
import errno
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

from aiohttp import web

SHUTDOWN_SECONDS = 1.0
"""For requests in progress; idle connections are closed at once."""

MAX_REQUEST_BYTES = 64 * 1024

NO_IPV6 = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def serve_http(
    port: int,
    pages: Mapping[str, Handler],
    *,
    method: str = "GET",
    max_bytes: int = MAX_REQUEST_BYTES,
    context: ssl.SSLContext | None = None,
) -> AsyncIterator[asyncio.AbstractServer]:
    """Serve one method of these paths, and nothing else, at this port of all addresses.

    With a `context` by HTTPS. Requests of more than `max_bytes` are refused (413).
    Yields the server, whose serve_forever() ends only when it does. Raises OSError when the port
    cannot be bound.
    """
    app = web.Application(client_max_size=max_bytes)
    for path, handler in pages.items():
        app.router.add_route(method, path, handler)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_SECONDS)
    listening = _listen(port)
    await runner.setup()
    assert runner.server  # noqa: S101 - set by setup()
    server = await asyncio.get_running_loop().create_server(
        runner.server, sock=listening, ssl=context
    )
    try:
        yield server
    finally:
        server.close()
        await runner.cleanup()


def _listen(port: int) -> socket.socket:
    """A socket for IPv6 and IPv4, or for IPv4 alone where the system has no IPv6."""
    if socket.has_dualstack_ipv6():
        try:
            return socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True)
        except OSError as error:
            if error.errno not in NO_IPV6:
                raise
    return socket.create_server(("", port))
