"""Serves the metrics, and measures how late the operator's event loop runs."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from prometheus_client.aiohttp import make_aiohttp_handler

from exposedapp.telemetry.http_server import serve_http
from exposedapp.telemetry.metrics import Metrics

log = logging.getLogger(__name__)

LAG_PERIOD_SECONDS = 0.5


@asynccontextmanager
async def serve_metrics(metrics: Metrics, port: int) -> AsyncIterator[None]:
    """Measures the event loop, and serves all metrics at a port; at port 0 neither.

    When the port cannot be had, an operator that nobody measures does its work all the same.
    """
    if not port:
        yield
        return
    async with AsyncExitStack() as stack:
        try:
            page = make_aiohttp_handler(metrics.registry)
            await stack.enter_async_context(serve_http(port, {"/metrics": page}))
        except OSError as error:
            log.error("Metrics are not served: port %d: %s", port, error)  # noqa: TRY400
        lag = asyncio.create_task(measure_loop_lag(metrics))
        try:
            yield
        finally:
            lag.cancel()
            await asyncio.gather(lag, return_exceptions=True)


async def measure_loop_lag(metrics: Metrics) -> None:
    """Sleeps, and notes how much longer it was than it should have been, for ever."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + LAG_PERIOD_SECONDS
        await asyncio.sleep(LAG_PERIOD_SECONDS)
        metrics.loop_lag.observe(max(0.0, loop.time() - due))
