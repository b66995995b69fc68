"""The operator's process: `python -m exposedapp.main`, configured by EXPOSEDAPP_* (settings.py).

Exit code 0 after SIGTERM or SIGINT; 1, with one line in the log that says why, when it cannot go
on: the kubelet restarts the container then, and a restart writes nothing.
"""

import asyncio
import logging
import sys

import uvloop

from exposedapp import handlers, logs
from exposedapp.environment import read_settings
from exposedapp.kube.codec import MAX_JSON_DEPTH
from exposedapp.runtime import Periods, Runtime
from exposedapp.settings import Settings

log = logging.getLogger(__name__)


def main(periods: Periods | None = None) -> None:
    """Run the operator until a signal ends it, or it cannot go on. Tests set other periods."""
    try:
        settings = read_settings()
    except ValueError as error:
        sys.exit(str(error))
    logs.configure(settings)
    sys.setrecursionlimit(MAX_JSON_DEPTH)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        problem = runner.run(_run(settings, periods or Periods()))
    if problem:
        log.critical("The operator ends: %s", problem)
        sys.exit(1)


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
    return runtime.failure


def _describe(error: BaseException) -> str:
    """The root cause of an error that kopf has wrapped, in one line."""
    while error.__cause__ is not None:
        error = error.__cause__
    return f"{type(error).__name__}: {error}"


if __name__ == "__main__":
    main()
