# SPDX-License-Identifier: Apache-2.0
"""A pod is requested through an API server of this machine, to see whether it listens."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from kubernetes.aio import client

from exposedapp.cli.doctor import pod_proxy
from exposedapp.cli.doctor.pod_proxy import PodProxy, listens_despite_error

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

REFUSED = "error trying to reach service: dial tcp 1.2.3.4:9: connect: connection refused"


@asynccontextmanager
async def proxied(handler: Handler) -> AsyncIterator[PodProxy]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    async with TestServer(app) as server:
        configuration = client.Configuration(
            host=str(server.make_url("")).rstrip("/"),
            api_key={"BearerToken": "Bearer secret"},
        )
        proxy = PodProxy(configuration, "shop")
        try:
            async with asyncio.timeout(10):
                yield proxy
        finally:
            await proxy.close()


async def test_the_request_goes_to_the_port_with_the_users_token() -> None:
    requests: list[tuple[str, str, str | None]] = []

    async def handler(request: web.Request) -> web.Response:
        token = request.headers.get("Authorization")
        requests.append((request.method, request.path, token))
        return web.Response(text="hello")

    async with proxied(handler) as proxy:
        assert await proxy.listens("web-1", 8080) is True
    path = "/api/v1/namespaces/shop/pods/web-1:8080/proxy/"
    assert requests == [("GET", path, "Bearer secret")]


async def test_no_redirect_of_the_app_is_followed() -> None:
    paths: list[str] = []

    async def handler(request: web.Request) -> web.Response:
        paths.append(request.path)
        return web.Response(status=302, headers={"Location": "/elsewhere"})

    async with proxied(handler) as proxy:
        assert await proxy.listens("web-1", 8080) is True
    assert len(paths) == 1


async def test_an_endless_response_is_not_read() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"x" * 65536)

    async with proxied(handler) as proxy:
        assert await proxy.listens("web-1", 8080) is True


async def test_the_error_of_the_proxy_is_read() -> None:
    async def handler(_: web.Request) -> web.Response:
        return web.Response(status=503, text=REFUSED)

    async with proxied(handler) as proxy:
        assert await proxy.listens("web-1", 8080) is False


async def test_without_a_response_nothing_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pod_proxy, "TIMEOUT_SECONDS", 0.1)

    async def handler(_: web.Request) -> web.Response:
        await asyncio.sleep(1)
        return web.Response()

    async with proxied(handler) as proxy:
        assert await proxy.listens("web-1", 8080) is None


@pytest.mark.parametrize(
    ("status", "body", "listens"),
    [
        (503, REFUSED, False),
        (503, "error trying to reach service: dial tcp 1.2.3.4:9: i/o timeout", None),
        (503, "error trying to reach service: EOF", True),
        (503, "we are closed", True),
        (403, 'pods "a" is forbidden: cannot get resource "pods/proxy"', None),
        (403, "members only", True),
    ],
)
def test_what_an_error_says_of_the_port(status: int, body: str, listens: bool | None) -> None:
    assert listens_despite_error(status, body) is listens
