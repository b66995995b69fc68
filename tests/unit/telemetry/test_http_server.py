# SPDX-License-Identifier: Apache-2.0
"""The operator's own pages, and what the kubelet is told."""

import asyncio
import socket

import aiohttp
import pytest

from exposedapp.telemetry import http_server as module
from exposedapp.telemetry.health import health
from exposedapp.telemetry.http_server import serve_http
from support.sockets import free_port, loopbacks


async def test_a_problem_is_a_503_that_names_it() -> None:
    port, ready = free_port(), asyncio.Event()
    pages = health(lambda: None, lambda: None if ready.is_set() else "caches have not synced")
    async with serve_http(port, pages), aiohttp.ClientSession() as session:
        for host in loopbacks():
            url = f"http://{host}:{port}"
            ready.clear()
            async with session.get(f"{url}/readyz") as answer:
                assert answer.status == 503
                assert "synced" in await answer.text()
            async with session.get(f"{url}/healthz") as answer:
                assert answer.status == 200
            ready.set()
            async with session.get(f"{url}/readyz") as answer:
                assert answer.status == 200
            async with session.get(f"{url}/else") as answer:
                assert answer.status == 404
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)


async def test_only_ipv4_where_there_is_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*args: object, family: int = socket.AF_INET, **kwargs: object) -> socket.socket:
        if family == socket.AF_INET6:
            raise OSError(module.NO_IPV6[0], "no such address")
        return listen(*args, **kwargs)  # type: ignore[arg-type]

    listen = socket.create_server
    monkeypatch.setattr(socket, "create_server", none)
    port = free_port()
    async with serve_http(port, health(lambda: None, lambda: None)):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.close()


async def test_a_port_that_is_taken_is_told() -> None:
    with socket.create_server(("", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match="in use"):
            async with serve_http(port, health(lambda: None, lambda: None)):
                pass
