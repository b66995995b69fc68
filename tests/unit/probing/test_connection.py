# SPDX-License-Identifier: Apache-2.0
"""Finding out whether a port is open, against real sockets of this machine."""

import asyncio
import socket
import sys
from contextlib import closing

import pytest

from exposedapp.probing.connection import check_port

PROBES = 30


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can delay the acknowledgement")
async def test_the_program_behind_the_port_notices_nothing() -> None:
    """stolon#624, cockroach#32102: a MySQL server counts broken handshakes, and locks out."""
    noticed = 0
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        for _ in range(PROBES):
            await check_port("127.0.0.1", server.getsockname()[1])
            try:
                server.accept()[0].close()
            except BlockingIOError:
                continue
            noticed += 1
    # A machine that is held up for 200 ms completes a handshake after all.
    assert noticed < PROBES / 2


async def test_one_address_of_several_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        names_lead_to(monkeypatch, "127.0.0.2", "127.0.0.1")
        await check_port("apps.example", port)


async def test_none_of_several_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(socket.socket()) as unused:
        unused.bind(("127.0.0.1", 0))
        names_lead_to(monkeypatch, "127.0.0.1", "255.255.255.255")
        with pytest.raises(ConnectionRefusedError):
            await check_port("apps.example", unused.getsockname()[1])


async def test_an_address_is_not_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A lookup takes a thread; most hosts are addresses of nodes."""

    def fail(*_: object, **__: object) -> None:
        raise AssertionError

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", fail)
    with socket.create_server(("127.0.0.1", 0)) as server:
        await check_port("127.0.0.1", server.getsockname()[1])


def names_lead_to(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    async def resolve(_: str, port: int, **__: object) -> list[object]:
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses
        ]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", resolve)
