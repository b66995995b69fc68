# SPDX-License-Identifier: Apache-2.0
"""A catalog and its API server in another thread, for tests in which Playwright has this one."""

import asyncio
import threading
from collections.abc import Coroutine
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

from support.catalog import Catalog
from support.http_api_server import HttpApiServer

Json = dict[str, Any]


class CatalogThread:
    """Serves a catalog of the apps that are put into it."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._folder = TemporaryDirectory()
        self._server = HttpApiServer()

    def __enter__(self) -> Self:
        self._thread.start()
        self._run(self._server.__aenter__())
        self._catalog = Catalog(self._server, Path(self._folder.name))
        self.start_catalog()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop_catalog()
        self._run(self._server.__aexit__())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._folder.cleanup()

    @property
    def url(self) -> str:
        """Of the list."""
        return self._catalog.url

    def start_catalog(self) -> None:
        """Start the catalog, and wait until it is ready."""
        self._run(self._catalog.__aenter__())

    def stop_catalog(self) -> None:
        """End the catalog's process."""
        self._run(self._catalog.__aexit__())

    def put(self, app: Json) -> None:
        """Create or replace an app."""

        async def put() -> None:
            self._server.put("exposedapps", app)

        self._run(put())

    def delete(self, name: str) -> None:
        """Delete an app of the namespace shop."""

        async def delete() -> None:
            self._server.delete("exposedapps", name)

        self._run(delete())

    def _run(self, work: Coroutine[Any, Any, object]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result()
