# SPDX-License-Identifier: Apache-2.0
"""Serves the metrics, and measures the lag of the event loop. Called by runtime.py."""

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
async def serve_metrics(
    metrics: Metrics, port: int
) -> AsyncIterator[asyncio.AbstractServer | None]:
    """Serve all metrics at a port; none at port 0.

    Yields the server, or None. A port that cannot be bound is logged, and the operator goes on.
    """
    async with AsyncExitStack() as stack:
        server = None
        if port:
            page = make_aiohttp_handler(metrics.registry)
            try:
                server = await stack.enter_async_context(serve_http(port, {"/metrics": page}))
            except OSError as error:
                log.error("Metrics are not served: port %d: %s", port, error)  # noqa: TRY400
        yield server


async def measure_loop_lag(metrics: Metrics) -> None:
    """Observe how much longer than requested a sleep takes, until cancelled."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + LAG_PERIOD_SECONDS
        await asyncio.sleep(LAG_PERIOD_SECONDS)
        metrics.loop_lag.observe(max(0.0, loop.time() - due))
