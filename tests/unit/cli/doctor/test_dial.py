"""URLs are tried over real sockets of this machine."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from exposedapp.cli.doctor import dial as module
from exposedapp.cli.doctor.dial import dial
from exposedapp.cli.doctor.facts import Attempt, Outcome


@asynccontextmanager
async def answering(answer: bytes | None, asked: list[bytes] | None = None) -> AsyncIterator[int]:
    """A server on a port of its own; None: it never answers."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = await reader.readline()
        if asked is not None:
            asked.append(line)
        if answer is not None:
            writer.write(answer)
            writer.close()
        else:
            await reader.read()
            writer.close()

    async with await asyncio.start_server(handle, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


@asynccontextmanager
async def answering_bytes(answer: bytes) -> AsyncIterator[int]:
    """A server that says the same whatever it hears, as soon as it hears something."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if await reader.read(1):
            writer.write(answer)
            await writer.drain()
        writer.close()

    async with await asyncio.start_server(handle, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


@pytest.mark.parametrize(
    ("answer", "outcome", "status"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", Outcome.ANSWERED, 200),
        (b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n", Outcome.ANSWERED, 302),
        (b"HTTP/1.0 503 no\r\n\r\n" + b"x" * 200_000, Outcome.ANSWERED, 503),
        (b"SSH-2.0-OpenSSH\r\n", Outcome.SILENT, None),
        (b"x" * 200_000, Outcome.SILENT, None),
        (b"", Outcome.SILENT, None),
    ],
)
async def test_http(answer: bytes, outcome: Outcome, status: int | None) -> None:
    asked: list[bytes] = []
    async with answering(answer, asked) as port:
        url = f"http://127.0.0.1:{port}/a?b=c"
        assert await dial(url) == Attempt(url, outcome, status)
    assert asked == [b"GET /a?b=c HTTP/1.1\r\n"]  # once: no redirect is followed


async def test_no_proxy_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    async with answering(b"HTTP/1.1 200 OK\r\n\r\n") as port:
        assert (await dial(f"http://127.0.0.1:{port}")).http_status == 200


async def test_a_server_that_never_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SECONDS", 0.2)
    async with answering(None) as port:
        assert (await dial(f"http://127.0.0.1:{port}")).outcome == Outcome.SILENT
        assert (await dial(f"https://127.0.0.1:{port}")).outcome == Outcome.SILENT
        assert (await dial(f"postgresql://127.0.0.1:{port}")).outcome == Outcome.ANSWERED


async def test_what_is_no_tls() -> None:
    async with answering(b"HTTP/1.1 400 Bad Request\r\n\r\n") as port:
        assert (await dial(f"https://127.0.0.1:{port}")).outcome == Outcome.NO_TLS


async def test_what_is_no_tls_and_waits_for_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """As Python's own server does, when no byte of the TLS greeting happens to end a line."""
    monkeypatch.setattr(module, "SECONDS", 0.2)

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        begin = await reader.read(3)
        if begin == b"GET":
            writer.write(b"HTTP/1.0 200 OK\r\n\r\n")
        else:
            await reader.read()
        writer.close()

    async with await asyncio.start_server(handle, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        assert (await dial(f"https://127.0.0.1:{port}")).outcome == Outcome.NO_TLS


async def test_tls_that_fails_is_not_called_none() -> None:
    alert = b"\x15\x03\x03\x00\x02\x02\x28"  # handshake_failure
    async with answering_bytes(alert) as port:
        assert (await dial(f"https://127.0.0.1:{port}")).outcome == Outcome.SILENT


@pytest.mark.parametrize(
    "url",
    [
        "http://[10.0.0.1:8080]:300",
        "http://10.0.0.1:8080:30008",
        "http://10.0.0.1:99999",
        "http://10.0.0.1:0",
        "http://[fe80::1",
        "http://:30008",
        "",
    ],
)
async def test_what_is_no_url(url: str) -> None:
    tried = await dial(url)
    assert (tried.outcome, tried.port) == (Outcome.INVALID, None)


async def test_a_scheme_that_nobody_knows() -> None:
    async with answering(None) as port:
        assert (await dial(f"quic://127.0.0.1:{port}")).outcome == Outcome.ANSWERED


async def test_refused() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and never listens
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        assert (await dial(url)).outcome == Outcome.REFUSED


def failing(error: Exception) -> Callable[..., object]:
    async def connect(*_: object, **__: object) -> object:
        raise error

    return connect


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (TimeoutError(), Outcome.TIMED_OUT),
        (OSError(113, "No route to host"), Outcome.NO_ROUTE),
        (OSError(101, "Network is unreachable"), Outcome.NO_ROUTE),
        (OSError("Multiple exceptions: [Errno 111] a, [Errno 111] b"), Outcome.REFUSED),
        (socket.gaierror(-2, "Name or service not known"), Outcome.UNKNOWN_NAME),
    ],
)
async def test_errors(monkeypatch: pytest.MonkeyPatch, error: Exception, outcome: Outcome) -> None:
    monkeypatch.setattr(asyncio, "open_connection", failing(error))
    assert (await dial("http://10.0.0.1:30008")).outcome == outcome


async def test_udp_is_not_tried() -> None:
    assert (await dial("udp://127.0.0.1:1")).outcome == Outcome.UNTRIED
