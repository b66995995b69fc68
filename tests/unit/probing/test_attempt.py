# SPDX-License-Identifier: Apache-2.0
"""One probe of a URL, against real sockets of this machine."""

import asyncio
import errno
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path

import pytest

from exposedapp.exposure.probes import ProbeOutcome, ProbeResult, Target
from exposedapp.probing.attempt import probe_once
from exposedapp.version import __version__
from support.probes import LATE, OK, REFUSED, http_error

CLOSED, NOT_HTTP, NO_TLS, NO_ROUTE, UNKNOWN_HOST, NO_CONNECTION = map(
    ProbeResult,
    [
        ProbeOutcome.CLOSED,
        ProbeOutcome.NOT_HTTP,
        ProbeOutcome.NO_TLS,
        ProbeOutcome.NO_ROUTE,
        ProbeOutcome.UNKNOWN_HOST,
        ProbeOutcome.NO_CONNECTION,
    ],
)
DEADLINE_SECONDS = 10.0
LONG_ENOUGH = 5.0
TOO_SHORT = 0.2

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def probe(
    port: int,
    *,
    http: bool = False,
    seconds: float = LONG_ENOUGH,
    path: str = "/",
    host: str = "127.0.0.1",
    scheme: str = "http",
) -> ProbeResult:
    url = f"{scheme}://{host}:{port}{path}"
    async with asyncio.timeout(DEADLINE_SECONDS):
        return await probe_once(Target(url, host, port, http, 60.0, seconds, 2))


@contextmanager
def bound(*, listens: bool) -> Iterator[int]:
    """A port that no other process has, and on which no connection is ever accepted."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        if listens:
            server.listen()
        yield server.getsockname()[1]


class Server:
    """Gives the answers in their order, then the last one again; records the requests."""

    def __init__(self, *answers: bytes) -> None:
        self.answers = answers
        self.requests: list[str] = []
        self.port = 0

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.requests.append((await reader.readuntil(b"\r\n\r\n")).decode())
        writer.write(self.answers[min(len(self.requests), len(self.answers)) - 1])
        await writer.drain()


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[int]:
    """Serves until all connections have been served, also those without a request."""
    served: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await handler(reader, writer)
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()
            await asyncio.gather(writer.wait_closed(), return_exceptions=True)

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served.add(asyncio.ensure_future(serve(reader, writer)))

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
        async with asyncio.timeout(DEADLINE_SECONDS):
            await asyncio.gather(*served)
    finally:
        server.close()


def http_answer(status: str, *headers: str) -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", "Content-Length: 0", *headers, "", ""]).encode()


# --- a connection ---------------------------------------------------------------------------------


async def test_a_connection_is_enough() -> None:
    with bound(listens=True) as port:
        assert await probe(port) == OK


@pytest.mark.parametrize("http", [False, True])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_a_port_on_which_nobody_listens(host: str, http: bool) -> None:
    with bound(listens=False) as port:
        assert await probe(port, http=http, host=host) == REFUSED


async def test_a_connection_that_nobody_takes() -> None:
    with socket.socket() as server, ExitStack() as clients:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        port = server.getsockname()[1]
        # Connections that wait to be accepted fill the backlog.
        for _ in range(4):
            client = clients.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(("127.0.0.1", port))
        assert await probe(port, seconds=TOO_SHORT) == LATE


@pytest.mark.parametrize("http", [False, True])
@pytest.mark.parametrize("host", ["no-such-host.invalid", "a..b", f"{'x' * 64}.example"])
async def test_a_host_that_nobody_knows(host: str, http: bool) -> None:
    assert await probe(80, http=http, host=host) == UNKNOWN_HOST


@pytest.mark.parametrize(
    ("error", "result"),
    [
        (OSError(errno.EHOSTUNREACH, "Connect call failed ('10.0.0.1', 30001)"), NO_ROUTE),
        (OSError(errno.ENETUNREACH, "Network is unreachable"), NO_ROUTE),
        (OSError(errno.ETIMEDOUT, "Connect call failed ('10.0.0.1', 30001)"), LATE),
        (ConnectionRefusedError("Connect call failed ('10.0.0.1', 30001)"), REFUSED),
        (OSError("Multiple exceptions: [Errno 111] Connect call failed, refused"), REFUSED),
        (OSError(errno.EMFILE, "Too many open files"), NO_CONNECTION),
        (socket.gaierror(socket.EAI_NODATA, "No address associated with hostname"), UNKNOWN_HOST),
    ],
)
async def test_network_errors(
    monkeypatch: pytest.MonkeyPatch, error: OSError, result: ProbeResult
) -> None:
    """Errors that this machine does not cause by itself, with the messages of asyncio."""

    async def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr("exposedapp.probing.attempt.check_port", fail)
    assert await probe(80) == result


# --- a page ---------------------------------------------------------------------------------------

LEADS_ON = "Location: http://127.0.0.1:{port}/other"


@pytest.mark.parametrize(
    ("status", "result"),
    [
        ("200 OK", OK),
        ("204 No Content", OK),
        ("302 Found", OK),
        ("308 Permanent Redirect", OK),
        ("401 Unauthorized", http_error(401)),
        ("404 Not Found", http_error(404)),
        ("500 Internal Server Error", http_error(500)),
        ("503 Service Unavailable", http_error(503)),
    ],
)
async def test_a_page(status: str, result: ProbeResult) -> None:
    server = Server()
    async with serving(server) as port:
        server.answers = (http_answer(status, LEADS_ON.format(port=port)),)
        assert await probe(port, http=True, path="/login?next=/a") == result
    # One request: the redirect is not followed.
    (request,) = server.requests
    assert request.splitlines()[0] == "GET /login?next=/a HTTP/1.1"


@pytest.mark.parametrize(
    ("answer", "result"),
    [(b"SSH-2.0-OpenSSH\r\n", NOT_HTTP), (b"\x00\x01\x02\r\n\r\n", NOT_HTTP), (b"", CLOSED)],
    ids=["another protocol", "noise", "nothing"],
)
async def test_no_page(answer: bytes, result: ProbeResult) -> None:
    async with serving(Server(answer)) as port:
        assert await probe(port, http=True) == result
        # A probe of the connection alone does not see that.
        assert await probe(port) == OK


async def test_https_where_http_is_spoken() -> None:
    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(http_answer("400 Bad Request"))
        await writer.drain()

    async with serving(plain) as port:
        result = await probe(port, http=True, scheme="https")
    assert result == NO_TLS


async def test_one_that_resets_the_connection() -> None:
    async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        at_once = struct.pack("ii", 1, 0)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)

    async with serving(reset) as port:
        assert await probe(port, http=True) == CLOSED


async def test_one_that_accepts_and_never_answers() -> None:
    with bound(listens=True) as port:
        assert await probe(port, http=True, seconds=TOO_SHORT) == LATE


async def test_a_body_is_not_waited_for() -> None:
    closed = asyncio.Event()

    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\nx")
        await reader.read()
        closed.set()

    async with serving(endless) as port, asyncio.timeout(DEADLINE_SECONDS):
        assert await probe(port, http=True) == OK
        await closed.wait()


async def test_nothing_is_sent_that_a_stranger_could_use(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    server = Server(http_answer("200 OK", "Set-Cookie: session=1; Path=/"))
    async with serving(server) as port:
        assert await probe(port, http=True) == OK
        assert await probe(port, http=True) == OK
    assert len(server.requests) == 2
    for request in server.requests:
        names = {line.partition(":")[0].lower() for line in request.splitlines()[1:] if line}
        assert names <= {"host", "accept", "accept-encoding", "user-agent"}


async def test_the_request_names_the_operator() -> None:
    """The owner of a server recognizes the probes in its access log."""
    server = Server(http_answer("200 OK"))
    async with serving(server) as port:
        await probe(port, http=True)
    (request,) = server.requests
    assert f"User-Agent: exposedapp-operator/{__version__} (probe)" in request.splitlines()


async def test_no_proxy_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    proxy, server = Server(http_answer("502 Bad Gateway")), Server(http_answer("200 OK"))
    async with serving(proxy) as proxy_port, serving(server) as port:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy_port}")
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        assert await probe(port, http=True) == OK
    assert (len(proxy.requests), len(server.requests)) == (0, 1)
