"""The operator's process: `python -m exposedapp.main`, configured by EXPOSEDAPP_* (settings.py)."""

import asyncio
import logging
import sys

import kopf
import uvloop

from exposedapp import logs
from exposedapp.environment import read_settings
from exposedapp.handlers import make_registry
from exposedapp.settings import Settings
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
    try:
        settings = read_settings()
    except ValueError as error:
        sys.exit(str(error))
    logs.configure(settings)
    sys.setrecursionlimit(DEEPEST_JSON)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            runner.run(_run(settings))
        except OSError as error:
            sys.exit(f"cannot listen on health port {settings.health_port}: {error}")


async def _run(settings: Settings) -> None:
    metrics, ready = Metrics(), asyncio.Event()
    async with (
        serve_http(settings.health_port, health(ready.is_set)),
        serve_metrics(metrics, settings.metrics_port),
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
