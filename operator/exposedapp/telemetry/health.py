"""The health endpoints."""

from collections.abc import Callable

from aiohttp import web

from exposedapp.telemetry.http_server import Handler


def health(is_ready: Callable[[], bool]) -> dict[str, Handler]:
    """What the kubelet asks: whether the event loop is stuck, and whether the operator works.

    One that waits for the CRD or for the API server is alive: a restart would only make it later.
    """

    async def alive(_: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def ready(_: web.Request) -> web.Response:
        if is_ready():
            return web.Response(text="ok\n")
        return web.Response(text="not everything has been listed yet\n", status=503)

    return {"/healthz": alive, "/readyz": ready}
