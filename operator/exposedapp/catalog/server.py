# SPDX-License-Identifier: Apache-2.0
"""The catalog's HTTP server: pages, their live events, static files and health.

All paths in the pages are relative, so it works below any prefix, such as that of `kubectl proxy`.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import orjson
from aiohttp import web
from aiohttp_sse import EventSourceResponse, sse_response

from exposedapp.api.meta import NamespacedName
from exposedapp.catalog.pages import Pages
from exposedapp.catalog.store import CatalogStore, Changes
from exposedapp.kube.resources import Resource

STATIC = Path(__file__).parent / "static"

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-cache",
}
"""Nothing is loaded from elsewhere and no script runs that is not a file of the catalog's: what
tenants write into an app could do nothing even if it were not escaped."""

MAX_SILENCE_SECONDS = 90.0
"""Without a word from the API server; a watch ends and begins again every 35 s (cache/informer)."""

MAX_STREAMS = 256
"""Browsers at one time."""

MAX_ROWS_PER_EVENT = 100

DEBOUNCE_SECONDS = 0.1
"""A rollout writes several statuses in a row."""

SHUTDOWN_SECONDS = 1.0


Send = Callable[[EventSourceResponse, Changes], Awaitable[None]]


class CatalogServer:
    """The handlers of the pages."""

    def __init__(
        self, store: CatalogStore, pages: Pages, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._store = store
        self._pages = pages
        self._clock = clock
        self._last_activity: float | None = None
        self._streams = 0

    def observe_activity(self, resource: Resource) -> None:  # noqa: ARG002 - an informer's callback
        """Note that the API server has sent something."""
        self._last_activity = self._clock()

    @property
    def is_live(self) -> bool:
        """Whether what is shown is the present state."""
        last = self._last_activity
        return last is not None and self._clock() - last < MAX_SILENCE_SECONDS

    def application(self) -> web.Application:
        """The routes."""
        app = web.Application()
        app.on_response_prepare.append(_add_headers)
        app.router.add_get("/", self._index)
        app.router.add_get("/events", self._index_events)
        app.router.add_get("/apps/{namespace}/{name}", self._app)
        app.router.add_get("/apps/{namespace}/{name}/events", self._app_events)
        app.router.add_static("/static", STATIC)
        app.router.add_get("/healthz", _healthz)
        app.router.add_get("/readyz", self._readyz)
        return app

    async def _index(self, request: web.Request) -> web.StreamResponse:
        """Sent in parts: as one text, thousands of rows would take tens of MiB."""
        parts = self._pages.index(self._store.rows(), self._since(self._store.number))
        response = web.StreamResponse()
        response.content_type, response.charset = "text/html", "utf-8"
        response.enable_compression()
        await response.prepare(request)
        for part in parts:
            await response.write(part)
        return response

    async def _app(self, request: web.Request) -> web.Response:
        key = _key(request)
        view = self._store.view(key)
        text = self._pages.app(key, view, self._since(self._store.number))
        return _html(text, status=200 if view else 404)

    async def _index_events(self, request: web.Request) -> web.StreamResponse:
        async def send(response: EventSourceResponse, changes: Changes) -> None:
            for event in _split(changes):
                await response.send(orjson.dumps(event).decode(), event="apps")

        return await self._stream(request, send)

    async def _app_events(self, request: web.Request) -> web.StreamResponse:
        key = _key(request)

        async def send(response: EventSourceResponse, changes: Changes) -> None:
            if key in changes.rows or key in changes.deleted:
                html = self._pages.app_body(key, self._store.view(key))
                await response.send(orjson.dumps({"html": html}).decode(), event="app")

        return await self._stream(request, send)

    async def _stream(self, request: web.Request, send: Send) -> web.StreamResponse:
        """Send changes until the browser leaves, or until what is known may be out of date."""
        if not self.is_live or self._streams >= MAX_STREAMS:
            raise web.HTTPServiceUnavailable(text="no live data now; try again later\n")
        number = self._number(
            request.headers.get(EventSourceResponse.DEFAULT_LAST_EVENT_HEADER)
            or request.query.get("since", "")
        )
        self._streams += 1
        try:
            async with sse_response(request, headers=HEADERS) as response:
                with suppress(ConnectionError, TimeoutError):
                    await self._send_changes(response, number, send)
            return response
        finally:
            self._streams -= 1

    async def _send_changes(
        self, response: EventSourceResponse, number: int | None, send: Send
    ) -> None:
        await response.send("", event="live")
        while self.is_live and response.is_connected():
            changes = None if number is None else self._store.changes_since(number)
            if changes is None:
                await response.send("", event="reload")
                return
            if changes.number > (number or 0):
                await send(response, changes)
                number = changes.number
                await response.send("", id=self._since(number), event="seen")
            with suppress(TimeoutError):
                async with asyncio.timeout(MAX_SILENCE_SECONDS / 6):
                    await self._store.wait_for_change(number or 0)
                    await asyncio.sleep(DEBOUNCE_SECONDS)

    def _since(self, number: int) -> str:
        return f"{self._store.epoch}-{number}"

    def _number(self, since: str) -> int | None:
        """The number of a change; None when it is another process's, or none."""
        epoch, _, number = since.partition("-")
        return int(number) if epoch == self._store.epoch and number.isdecimal() else None

    async def _readyz(self, _: web.Request) -> web.Response:
        if self.is_live:
            return web.Response(text="ok\n")
        return web.Response(status=503, text="the API server has sent nothing lately\n")


@asynccontextmanager
async def serve(app: web.Application, address: str, port: int) -> AsyncIterator[int]:
    """Serve it; yields the port. An empty address means all. Raises OSError."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_SECONDS)
    await runner.setup()
    try:
        site = web.TCPSite(runner, address or None, port)
        await site.start()
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()


async def _add_headers(_: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(HEADERS)


async def _healthz(_: web.Request) -> web.Response:
    return web.Response(text="ok\n")


def _html(text: str, status: int = 200) -> web.Response:
    response = web.Response(text=text, content_type="text/html", status=status)
    response.enable_compression()
    return response


def _key(request: web.Request) -> NamespacedName:
    return NamespacedName(request.match_info["namespace"], request.match_info["name"])


def _split(changes: Changes) -> list[dict[str, object]]:
    """The changes as events of a bounded size."""
    rows = [{"key": str(key), "html": html.decode()} for key, html in changes.rows.items()]
    parts = [rows[i : i + MAX_ROWS_PER_EVENT] for i in range(0, len(rows), MAX_ROWS_PER_EVENT)]
    deleted = [str(key) for key in changes.deleted]
    return [
        {"rows": part, "deleted": deleted if not i else []} for i, part in enumerate(parts or [[]])
    ]
