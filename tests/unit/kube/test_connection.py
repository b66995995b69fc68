# SPDX-License-Identifier: Apache-2.0
"""The login and the sessions, and that both are replaced after a long silence."""

import asyncio
import socket
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import BaseTestServer, TestServer
from kubernetes.aio import client, config

from exposedapp.kube.client import KubeClient
from exposedapp.kube.connection import RENEWAL_SECONDS, Connection
from exposedapp.kube.errors import ApiError
from exposedapp.kube.session import SOCKET_OPTIONS, kopf_middleware, open_session
from exposedapp.telemetry.health import HealthLimits


async def respond(request: web.Request) -> web.StreamResponse:
    if request.path == "/stream":
        stream = web.StreamResponse()
        await stream.prepare(request)
        await stream.write(b"x")
        await asyncio.sleep(0.1)  # the connection is in use while the test checks it
        return stream
    return web.json_response({"token": request.headers.get("Authorization")})


@pytest.fixture
async def server() -> AsyncIterator[BaseTestServer]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", respond)
    async with TestServer(app) as test_server:
        yield test_server


def configuration(server: BaseTestServer | None, user: str = "new") -> client.Configuration:
    configured = client.Configuration()
    configured.host = str(server.make_url("")).rstrip("/") if server else "http://127.0.0.1:1"
    configured.api_key["BearerToken"] = f"Bearer {user}"
    return configured


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


async def test_after_a_long_silence_it_logs_in_again(server: BaseTestServer) -> None:
    """As after a rotation of the CA: the old login works no more, the pod's files have the new."""
    clock, logins = Clock(), []

    async def login() -> client.Configuration:
        logins.append(clock.now)
        return configuration(server)

    connection = Connection(configuration(None, "old"), login, 120.0, clock)
    first = await connection.session()
    kopf_session = connection.open_session(lambda request, handler: handler(request))
    for silence in (0.0, 60.0, 119.0):
        clock.now = 1000.0 + silence
        connection.observe(0)
        assert await connection.session() is first
    clock.now = 1120.0
    session = await connection.session()
    assert logins == [1120.0]
    assert first.closed
    assert kopf_session.closed  # kopf logs in again when its session is closed
    async with session.get(connection.host) as response:
        assert await response.json() == {"token": "Bearer new"}
    clock.now = 1200.0
    connection.observe(0)
    assert await connection.session() is session
    await connection.close()


@pytest.mark.parametrize(
    ("status", "renewed"), [(401, True), (503, True), (200, False), (404, False)]
)
async def test_what_counts_as_silence(
    server: BaseTestServer, status: int, *, renewed: bool
) -> None:
    clock = Clock()

    async def login() -> client.Configuration:
        return configuration(server)

    connection = Connection(configuration(None), login, 120.0, clock)
    first = await connection.session()
    connection.observe(0)
    clock.now += 119.0
    connection.observe(status)
    clock.now += 119.0
    connection.observe(0)
    assert (await connection.session() is not first) is renewed
    await connection.close()


async def test_a_login_that_fails_is_tried_again_later(caplog: pytest.LogCaptureFixture) -> None:
    clock, logins = Clock(), []

    async def login() -> client.Configuration:
        logins.append(clock.now)
        raise config.ConfigException("Service token file does not exist.")

    connection = Connection(configuration(None), login, 120.0, clock)
    first = await connection.session()
    connection.observe(0)
    for _ in range(4):
        clock.now += 60.0
        assert await connection.session() is first
    assert logins == [1120.0, 1240.0]
    assert "cannot log in" in caplog.text
    await connection.close()


async def test_a_client_without_a_login_keeps_its_configuration(server: BaseTestServer) -> None:
    clock = Clock()
    connection = Connection(configuration(server), None, 0.0, clock)
    first = await connection.session()
    connection.observe(0)
    assert await connection.session() is first
    await connection.close()


async def test_requests_go_to_the_new_login(server: BaseTestServer) -> None:
    async def login() -> client.Configuration:
        return configuration(server)

    kube = KubeClient(configuration(None), login=login, renewal_seconds=0.0)
    with pytest.raises(ApiError):
        await kube.request("GET", "/")
    assert await kube.request("GET", "/") == {"token": "Bearer new"}
    await kube.close()


@pytest.mark.parametrize(("seconds", "is_cut"), [("7", False), ("86400", True), ("", False)])
async def test_kopf_does_not_wait_for_a_day(seconds: str, *, is_cut: bool) -> None:
    """It takes a Retry-After as it is, and nothing would be noticed until then."""
    statuses = []

    async def busy(_: web.Request) -> web.Response:
        return web.Response(status=429, headers={"Retry-After": seconds})

    app = web.Application()
    app.router.add_get("/", busy)
    middleware = kopf_middleware(lambda _, status, __: statuses.append(status))
    async with (
        TestServer(app) as server,
        open_session(configuration(server), middleware) as session,
    ):
        if is_cut:
            with pytest.raises(aiohttp.ClientConnectionError, match="asks to wait for 86400 s"):
                await session.get(server.make_url("/"))
        else:
            async with session.get(server.make_url("/")) as response:
                assert response.status == 429
    assert statuses == [429]


def test_it_logs_in_again_before_the_process_counts_as_dead() -> None:
    assert HealthLimits().api_silence_seconds > RENEWAL_SECONDS * 2


async def test_the_kernel_ends_dead_connections(server: BaseTestServer) -> None:
    async with (
        open_session(configuration(server)) as session,
        session.get(server.make_url("/stream")) as response,
    ):
        assert response.connection
        assert response.connection.transport
        opened = response.connection.transport.get_extra_info("socket")
        assert opened.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        for name, value in SOCKET_OPTIONS.items():
            assert opened.getsockopt(socket.IPPROTO_TCP, getattr(socket, name)) == value
    idle, interval, count = (SOCKET_OPTIONS[f"TCP_KEEP{name}"] for name in ("IDLE", "INTVL", "CNT"))
    assert idle + interval * count <= 30
