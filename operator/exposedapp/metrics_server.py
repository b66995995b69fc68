"""Serves the metrics from the operator's own event loop, and measures how late that loop runs."""

import asyncio
import errno
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web
from prometheus_client.aiohttp import make_aiohttp_handler

from exposedapp.metrics import Metrics

log = logging.getLogger(__name__)

LAG_EVERY_SECONDS = 0.5
NO_IPV6 = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)


@asynccontextmanager
async def measured(metrics: Metrics, port: int) -> AsyncIterator[None]:
    """Measures the event loop, and serves all metrics at a port; at port 0 neither."""
    if not port:
        yield
        return
    runner = await serve(metrics, port)
    lag = asyncio.create_task(measure_loop_lag(metrics))
    try:
        yield
    finally:
        lag.cancel()
        await asyncio.gather(lag, return_exceptions=True)
        if runner:
            await runner.cleanup()


async def serve(metrics: Metrics, port: int) -> web.AppRunner | None:
    """Answers GET /metrics, and nothing else, at this port of all addresses.

    None when the port cannot be had: an operator that nobody measures does its work all the same.
    """
    try:
        listening = _listen(port)
    except OSError as error:
        log.error("Metrics are not served: port %d: %s", port, error)  # noqa: TRY400
        return None
    app = web.Application()
    app.router.add_get("/metrics", make_aiohttp_handler(metrics.registry), allow_head=False)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.SockSite(runner, listening).start()
    return runner


def _listen(port: int) -> socket.socket:
    """A socket that takes IPv6 and IPv4, or only IPv4 where there is no other."""
    if socket.has_dualstack_ipv6():
        try:
            return socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True)
        except OSError as error:
            if error.errno not in NO_IPV6:
                raise
    return socket.create_server(("", port))


async def measure_loop_lag(metrics: Metrics) -> None:
    """Sleeps, and notes how much longer it was than it should have been, for ever."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + LAG_EVERY_SECONDS
        await asyncio.sleep(LAG_EVERY_SECONDS)
        metrics.loop_lag.observe(max(0.0, loop.time() - due))
