"""Tries URLs from this machine, as a person's browser would, but with less trust.

No redirect is followed, no proxy used, nothing sent but a plain GET, and nothing kept of the answer
but its status: who wrote the app chose where the URLs lead.
"""

import asyncio
import re
import socket
import ssl
from contextlib import suppress
from errno import ECONNREFUSED
from urllib.parse import SplitResult

from exposedapp.cli.doctor.facts import Attempt, Outcome, split

SECONDS = 2.0

STATUS_LINE = re.compile(rb"HTTP/1\.[01] (\d{3})")

UNTRIED = {"udp", "sctp"}
"""What has no connection that could be refused, or none that Python can make everywhere."""

DEFAULT_PORTS = {"https": 443, "wss": 443}


async def dial(url: str) -> Attempt:
    """Connects to a URL, and asks for it when it is HTTP."""
    parts = split(url)
    if parts is None:
        return Attempt(url, Outcome.INVALID)
    if parts.scheme in UNTRIED:
        return Attempt(url, Outcome.UNTRIED)
    try:
        async with asyncio.timeout(SECONDS):
            reader, writer = await _connect(parts)
    except TimeoutError:
        return Attempt(url, Outcome.TIMED_OUT)
    except (OSError, ValueError) as error:
        return Attempt(url, _outcome(error))
    try:
        if parts.scheme not in {"http", "https"}:
            return Attempt(url, Outcome.ANSWERED)
        if parts.scheme == "https":
            await _close(writer)  # some servers talk to one at a time
            return await _secure(url, parts)
        async with asyncio.timeout(SECONDS):
            return await _ask(url, parts, reader, writer)
    except (OSError, ValueError):  # a time-out among them
        return Attempt(url, Outcome.SILENT)
    finally:
        await _close(writer)


async def _secure(url: str, parts: SplitResult) -> Attempt:
    """Asks over TLS; where there is none, finds out whether plain HTTP is spoken instead."""
    try:
        return await _converse(url, parts, _any_certificate())
    except ssl.SSLError as error:
        if "ALERT" in (error.reason or ""):  # which only TLS has
            return Attempt(url, Outcome.SILENT)
    except (OSError, ValueError):
        pass  # some servers wait for the end of a line that TLS has not
    plain = await _converse(url, parts, None)
    return Attempt(url, Outcome.NO_TLS if plain.outcome == Outcome.ANSWERED else Outcome.SILENT)


async def _converse(url: str, parts: SplitResult, context: ssl.SSLContext | None) -> Attempt:
    async with asyncio.timeout(SECONDS):
        reader, writer = await _connect(parts, context)
        try:
            return await _ask(url, parts, reader, writer)
        finally:
            await _close(writer)


async def _ask(
    url: str, parts: SplitResult, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> Attempt:
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    request = (
        f"GET {path} HTTP/1.1\r\nHost: {parts.netloc}\r\nUser-Agent: exposedapp\r\n"
        "Accept: */*\r\nConnection: close\r\n\r\n"
    )
    writer.write(request.encode())
    await writer.drain()
    match = STATUS_LINE.match(await reader.readline())
    if match is None:
        return Attempt(url, Outcome.SILENT)
    return Attempt(url, Outcome.ANSWERED, int(match[1]))


async def _connect(
    parts: SplitResult, context: ssl.SSLContext | None = None
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    port = parts.port or DEFAULT_PORTS.get(parts.scheme, 80)
    return await asyncio.open_connection(parts.hostname, port, ssl=context)


def _any_certificate() -> ssl.SSLContext:
    """Whether it answers is the question, not who it is: nodes' addresses are in no certificate."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _outcome(error: Exception) -> Outcome:
    if isinstance(error, (socket.gaierror, ValueError)):
        return Outcome.UNKNOWN_NAME
    # A name with several addresses gives one error with the words of all.
    refused = isinstance(error, ConnectionRefusedError) or f"[Errno {ECONNREFUSED}]" in str(error)
    return Outcome.REFUSED if refused else Outcome.NO_ROUTE


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()  # nobody waits for the rest of an answer
    with suppress(OSError, TimeoutError):
        await asyncio.wait_for(writer.wait_closed(), SECONDS)
