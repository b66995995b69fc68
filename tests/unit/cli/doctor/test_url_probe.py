# SPDX-License-Identifier: Apache-2.0
"""URLs are probed over real sockets of this machine."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from exposedapp.cli.doctor import url_probe
from exposedapp.cli.doctor.diagnosis.evidence import UrlProbe
from exposedapp.cli.doctor.url_probe import probe_url
from exposedapp.exposure.probes import ProbeOutcome, ProbeResult

HANDSHAKE_FAILURE = b"\x15\x03\x03\x00\x02\x02\x28"
"""An alert of TLS."""

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[int]:
    """A server on a port of its own."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await handler(reader, writer)
        except ConnectionError:
            pass  # the probe does not wait for the end of the response
        finally:
            writer.close()

    async with await asyncio.start_server(handle, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


def responding(response: bytes, requests: list[bytes] | None = None) -> Handler:
    """Responds to a request."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readline()
        while line := (await reader.readline()).strip():
            request += b"|" + line
        if requests is not None:
            requests.append(request)
        writer.write(response)
        await writer.drain()

    return handler


def responding_to_any_byte(response: bytes) -> Handler:
    """Responds with the same to whatever it receives, as soon as it receives something."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if await reader.read(1):
            writer.write(response)
            await writer.drain()

    return handler


async def silence(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    """Never responds."""
    await reader.read()


@pytest.mark.parametrize(
    ("response", "outcome", "status"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", ProbeOutcome.ANSWERED, 200),
        (
            b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n",
            ProbeOutcome.ANSWERED,
            302,
        ),
        (
            b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
            ProbeOutcome.ANSWERED,
            200,
        ),
        (
            b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 404 no\r\n\r\n",
            ProbeOutcome.HTTP_ERROR,
            404,
        ),
        (b"HTTP/1.0 503 no\r\n\r\n" + b"x" * 200_000, ProbeOutcome.HTTP_ERROR, 503),
        (
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",
            ProbeOutcome.ANSWERED,
            200,
        ),
        (b"SSH-2.0-OpenSSH\r\n", ProbeOutcome.NOT_HTTP, None),
        (b"x" * 200_000, ProbeOutcome.NOT_HTTP, None),
        (b"", ProbeOutcome.CLOSED, None),
    ],
)
async def test_http(response: bytes, outcome: ProbeOutcome, status: int | None) -> None:
    requests: list[bytes] = []
    async with serving(responding(response, requests)) as port:
        url = f"http://127.0.0.1:{port}/a%2Fb?b=c"
        assert await probe_url(url) == UrlProbe(url, ProbeResult(outcome, status), connected=True)
    # Once: no redirect is followed. But aiohttp repeats what was closed without a response.
    assert len(requests) == (2 if outcome is ProbeOutcome.CLOSED else 1)
    (request,) = set(requests)
    assert request.startswith(b"GET /a%2Fb?b=c HTTP/1.1\r\n|")
    # Nothing about the user.
    names = {line.partition(b":")[0].lower() for line in request.split(b"|")[1:]}
    assert names == {b"host", b"user-agent", b"accept", b"accept-encoding", b"connection"}


async def test_no_proxy_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    async with serving(responding(b"HTTP/1.1 200 OK\r\n\r\n")) as port:
        assert (await probe_url(f"http://127.0.0.1:{port}")).answered


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_server_that_does_not_respond(monkeypatch: pytest.MonkeyPatch, scheme: str) -> None:
    monkeypatch.setattr(url_probe, "TIMEOUT_SECONDS", 0.2)
    async with serving(silence) as port:
        url = f"{scheme}://127.0.0.1:{port}"
        probe = await probe_url(url)
        assert probe == UrlProbe(url, ProbeResult(ProbeOutcome.TIMED_OUT), connected=True)
    assert not probe.has_no_reply
    assert str(probe) == "connected, but no response"


async def test_a_server_that_never_stops_with_early_hints(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(url_probe, "TIMEOUT_SECONDS", 0.2)

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while not reader.at_eof():
            writer.write(b"HTTP/1.1 103 Early Hints\r\n\r\n")
            await writer.drain()
            await asyncio.sleep(0.01)

    async with serving(handler) as port:
        probe = await probe_url(f"http://127.0.0.1:{port}")
    assert (probe.outcome, probe.connected) == (ProbeOutcome.TIMED_OUT, True)


@pytest.mark.parametrize("scheme", ["postgresql", "quic"])
async def test_of_other_schemes_a_connection_is_enough(scheme: str) -> None:
    async with serving(silence) as port:
        probe = await probe_url(f"{scheme}://127.0.0.1:{port}")
    assert (probe.answered, str(probe)) == (True, "answered")


async def test_plain_http_in_place_of_https() -> None:
    async with serving(responding(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as port:
        assert (await probe_url(f"https://127.0.0.1:{port}")).outcome is ProbeOutcome.NO_TLS


async def test_plain_http_that_waits_for_the_end_of_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """As Python's own server does, when no byte of the TLS greeting happens to end a line."""
    monkeypatch.setattr(url_probe, "TIMEOUT_SECONDS", 0.2)

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if await reader.read(3) == b"GET":
            writer.write(b"HTTP/1.0 200 OK\r\n\r\n")
        else:
            await reader.read()

    async with serving(handler) as port:
        assert (await probe_url(f"https://127.0.0.1:{port}")).outcome is ProbeOutcome.NO_TLS


@pytest.mark.parametrize(
    ("response", "outcome"),
    [
        (HANDSHAKE_FAILURE, ProbeOutcome.NOT_HTTP),
        (b"SSH-2.0-OpenSSH\r\n", ProbeOutcome.NOT_HTTP),
        (b"", ProbeOutcome.CLOSED),
    ],
)
async def test_https_that_fails_where_plain_http_fails_too(
    response: bytes, outcome: ProbeOutcome
) -> None:
    async with serving(responding_to_any_byte(response)) as port:
        probe = await probe_url(f"https://127.0.0.1:{port}")
    assert (probe.outcome, probe.connected) == (outcome, True)


async def test_tls_that_refuses_the_handshake_is_not_called_plain_http() -> None:
    """As nginx and Go do: to plain HTTP a TLS port answers with 400."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        is_tls = await reader.read(1) == b"\x16"
        writer.write(HANDSHAKE_FAILURE if is_tls else b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()

    async with serving(handler) as port:
        probe = await probe_url(f"https://127.0.0.1:{port}")
    assert (probe.outcome, probe.connected) == (ProbeOutcome.NOT_HTTP, True)


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
async def test_a_text_that_is_not_a_url(url: str) -> None:
    probe = await probe_url(url)
    assert (probe.is_valid, probe.is_conclusive, probe.port) == (False, True, None)
    assert str(probe) == "not a valid URL"


@pytest.mark.parametrize("scheme", ["http", "https", "postgresql"])
async def test_refused(scheme: str) -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))  # and does not listen
        probe = await probe_url(f"{scheme}://127.0.0.1:{bound.getsockname()[1]}")
    assert (probe.refused, probe.connected) == (True, False)


@pytest.mark.parametrize("scheme", ["http", "https", "postgresql"])
@pytest.mark.parametrize("host", ["a..b", "a" * 64 + ".example"])
async def test_a_host_that_is_not_a_name(scheme: str, host: str) -> None:
    probe = await probe_url(f"{scheme}://{host}:30008")
    assert probe.outcome is ProbeOutcome.UNKNOWN_HOST


def failing(error: Exception) -> Callable[..., object]:
    async def connect(*_: object, **__: object) -> object:
        raise error

    return connect


@pytest.mark.parametrize("scheme", ["http", "https", "postgresql"])
@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (TimeoutError(), ProbeOutcome.TIMED_OUT),
        (OSError(113, "No route to host"), ProbeOutcome.NO_ROUTE),
        (OSError(101, "Network is unreachable"), ProbeOutcome.NO_ROUTE),
        (OSError(1, "Operation not permitted"), ProbeOutcome.NO_CONNECTION),
        (OSError("Multiple exceptions: [Errno 111] a, [Errno 111] b"), ProbeOutcome.REFUSED),
    ],
)
async def test_connections_that_fail(
    monkeypatch: pytest.MonkeyPatch, scheme: str, error: Exception, outcome: ProbeOutcome
) -> None:
    monkeypatch.setattr(asyncio, "open_connection", failing(error))
    monkeypatch.setattr("aiohttp.connector.aiohappyeyeballs.start_connection", failing(error))
    probe = await probe_url(f"{scheme}://10.0.0.1:30008")
    assert (probe.outcome, probe.connected) == (outcome, False)
    assert probe.has_no_reply == (outcome is not ProbeOutcome.REFUSED)


@pytest.mark.parametrize("scheme", ["http", "https", "postgresql"])
async def test_a_name_that_dns_does_not_know(monkeypatch: pytest.MonkeyPatch, scheme: str) -> None:
    def getaddrinfo(*_: object, **__: object) -> object:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    probe = await probe_url(f"{scheme}://apps.example:30008")
    assert probe.outcome is ProbeOutcome.UNKNOWN_HOST


@pytest.mark.parametrize("scheme", ["http", "https", "tcp"])
async def test_a_slow_dns_is_no_host_without_reply(
    monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    async def getaddrinfo(*_: object, **__: object) -> object:
        await asyncio.sleep(60)
        raise AssertionError

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)
    monkeypatch.setattr("exposedapp.cli.doctor.url_probe.RESOLVE_SECONDS", 0.05)
    probe = await probe_url(f"{scheme}://apps.example:30008")
    assert probe.outcome is ProbeOutcome.UNKNOWN_HOST


@pytest.mark.parametrize("scheme", ["udp", "sctp"])
async def test_datagrams_are_not_probed(scheme: str) -> None:
    probe = await probe_url(f"{scheme}://127.0.0.1:1")
    assert (probe.is_conclusive, str(probe)) == (False, "not probed")
