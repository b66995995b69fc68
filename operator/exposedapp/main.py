"""The operator's process: `python -m exposedapp.main`.

Environment: EXPOSEDAPP_LOG_LEVEL (default INFO), EXPOSEDAPP_HEALTH_PORT (default 8080),
EXPOSEDAPP_METRICS_PORT (default 8081; 0: none), and what settings.py reads.
"""

import asyncio
import logging
import os
import sys

import kopf
import uvloop

from exposedapp.handlers import make_registry
from exposedapp.settings import Settings, from_environment
from exposedapp.telemetry.health import health
from exposedapp.telemetry.http_server import serve_http
from exposedapp.telemetry.metrics import Metrics
from exposedapp.telemetry.metrics_server import serve_metrics

log = logging.getLogger(__name__)

AGAIN_SECONDS = 5

DEEPEST_JSON = 25_000
"""The API server takes objects nested 10,000 levels deep, which only a recursive parser reads: with
Python's usual limit one such object would end the watch of all."""


def main() -> None:
    """Runs the operator until it is told to stop."""
    logging.basicConfig(
        level=os.environ.get("EXPOSEDAPP_LOG_LEVEL", "INFO").upper(),
        format="%(asctime)s %(levelname)-7s %(name)s: %(message)s",
    )
    # kopf tells each of its own steps; what the operator does is told by itself.
    logging.getLogger("kopf").setLevel(logging.WARNING)
    logging.getLogger("aiohttp.access").setLevel(logging.WARNING)
    if not log.isEnabledFor(logging.DEBUG):
        for handler in logging.getLogger().handlers:
            handler.addFilter(_without_kopf_traces)
    sys.setrecursionlimit(DEEPEST_JSON)
    health_port = int(os.environ.get("EXPOSEDAPP_HEALTH_PORT", "8080"))
    metrics_port = int(os.environ.get("EXPOSEDAPP_METRICS_PORT", "8081"))
    try:
        settings = from_environment(os.environ)
    except ValueError as error:
        sys.exit(str(error))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            runner.run(_run(settings, health_port, metrics_port))
        except OSError as error:
            sys.exit(f"cannot tell the kubelet of its health at port {health_port}: {error}")


def _without_kopf_traces(record: logging.LogRecord) -> bool:
    """What goes wrong at the start is told in a line; where in kopf it did is for DEBUG."""
    if record.name.startswith("kopf"):
        record.exc_info = None
    return True


async def _run(settings: Settings, health_port: int, metrics_port: int) -> None:
    metrics, ready = Metrics(), asyncio.Event()
    async with (
        serve_http(health_port, health(ready.is_set)),
        serve_metrics(metrics, metrics_port),
    ):
        await _run_again(settings, metrics, ready)


async def _run_again(settings: Settings, metrics: Metrics, ready: asyncio.Event) -> None:
    """Runs kopf, and again when it gave up, as it does when the start fails."""
    while True:
        try:
            return await kopf.operator(
                registry=make_registry(settings, metrics, ready),
                clusterwide=True,
                standalone=True,
            )
        except Exception as error:  # noqa: BLE001 - whatever it was, the next start looks anew
            log.error("Starting again in %d s: %s", AGAIN_SECONDS, error)  # noqa: TRY400
            await asyncio.sleep(AGAIN_SECONDS)


if __name__ == "__main__":
    main()
