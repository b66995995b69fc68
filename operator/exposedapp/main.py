# SPDX-License-Identifier: Apache-2.0
"""The operator's process: `python -m exposedapp.main`, configured by EXPOSEDAPP_* (settings.py).

Exit code 0 after SIGTERM or SIGINT; 1, with one line in the log that says why, when it cannot go
on: the kubelet restarts the container then, and a restart writes nothing.
"""

import asyncio
import gc
import logging
import sys
from typing import Any

import uvloop

from exposedapp import handlers, logs
from exposedapp.environment import read_settings
from exposedapp.kube.codec import MAX_JSON_DEPTH
from exposedapp.runtime import Periods, Runtime
from exposedapp.settings import Settings

GC_THRESHOLDS = 5_000, 10, 10
"""New objects per collection of the youngest generation, and its collections per older one."""

log = logging.getLogger(__name__)


def main(periods: Periods | None = None) -> None:
    """Run the operator until a signal ends it, or it cannot go on. Tests set other periods."""
    try:
        settings = read_settings()
    except ValueError as error:
        sys.exit(str(error))
    logs.configure(settings)
    sys.setrecursionlimit(MAX_JSON_DEPTH)
    tune_garbage_collector()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        problem = runner.run(_run(settings, periods or Periods()))
    if problem:
        log.critical("The operator ends: %s", problem)
        sys.exit(1)


def tune_garbage_collector() -> None:
    """Leave what the imports have made out of each collection.

    Otherwise a full collection passes over 90,000 objects that are never freed, and no reconcile
    goes on for 0.1 s meanwhile. Called once, when everything is imported.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)


async def _run(settings: Settings, periods: Periods) -> str | None:
    """Run the operator. Returns why it cannot go on, or None after a signal."""
    runtime = Runtime(settings, periods)
    try:
        await handlers.run(runtime)
    except Exception as error:
        log.debug("kopf has stopped", exc_info=True)
        return runtime.failure or _describe(error)
    finally:
        await runtime.stop()
        asyncio.get_running_loop().set_exception_handler(_log_late_error)
    return runtime.failure


def _log_late_error(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log what fails after the end, such as the closing of a watch that kopf has left open."""
    log.debug("while the process ends: %s", context["message"], exc_info=context.get("exception"))


def _describe(error: BaseException) -> str:
    """The root cause of an error that kopf has wrapped, in one line."""
    while error.__cause__ is not None:
        error = error.__cause__
    return f"{type(error).__name__}: {error}"


if __name__ == "__main__":
    main()
