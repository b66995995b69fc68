# SPDX-License-Identifier: Apache-2.0
"""The catalog's process: `python -m exposedapp.catalog`.

In a pod it shows that pod's cluster, elsewhere that of the kubeconfig's current context. It logs as
the operator does (EXPOSEDAPP_LOG_LEVEL, EXPOSEDAPP_LOG_FORMAT). Exit code 0 after SIGTERM or
SIGINT; 1, with one line in the log that says why, when it cannot go on.
"""

import argparse
import asyncio
import logging
import signal
import sys

import uvloop
from kubernetes.aio import config

from exposedapp import logs
from exposedapp.cache.informer import Informer
from exposedapp.cache.versions import HistoryRewrittenError
from exposedapp.cache.watches import ResourceHandler
from exposedapp.catalog.pages import Pages
from exposedapp.catalog.server import CatalogServer, serve
from exposedapp.catalog.store import CatalogStore
from exposedapp.environment import read_settings
from exposedapp.kube.client import KubeClient
from exposedapp.kube.codec import MAX_JSON_DEPTH
from exposedapp.kube.resources import EXPOSED_APPS

DEFAULT_PORT = 8080

log = logging.getLogger(__name__)


def main() -> None:
    """Serve the catalog until a signal ends it, or it cannot go on."""
    parser = argparse.ArgumentParser(prog="python -m exposedapp.catalog", description=__doc__)
    parser.add_argument("--address", default="localhost", help="to listen at; empty: all addresses")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="to listen at")
    arguments = parser.parse_args()
    try:
        logs.configure(read_settings())
    except ValueError as error:
        sys.exit(str(error))
    sys.setrecursionlimit(MAX_JSON_DEPTH)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            runner.run(run(arguments.address, arguments.port))
        except (config.ConfigException, HistoryRewrittenError, OSError) as error:
            log.critical("The catalog ends: %s", error)
            sys.exit(1)


async def run(address: str, port: int) -> None:
    """Serve the catalog until SIGTERM or SIGINT. Raises what the watch ends with."""
    client = await KubeClient.login()
    pages = Pages()
    store = CatalogStore(pages.row)
    server = CatalogServer(store, pages)
    handler = ResourceHandler(EXPOSED_APPS, store)
    informer = Informer(client, EXPOSED_APPS, handler, lambda *_: None, server.observe_activity)
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    watching = asyncio.ensure_future(informer.run())
    stopping = asyncio.ensure_future(stopped.wait())
    try:
        async with serve(server.application(), address, port) as bound:
            log.info("Serving the catalog at %s, port %d", address or "all addresses", bound)
            await asyncio.wait((watching, stopping), return_when=asyncio.FIRST_COMPLETED)
        if watching.done():
            watching.result()
    finally:
        for task in (watching, stopping):
            task.cancel()
        await asyncio.gather(watching, stopping, return_exceptions=True)
        await client.close()


if __name__ == "__main__":
    main()
