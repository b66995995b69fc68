"""One attempt to reach a URL."""

import asyncio
import errno
import socket
import ssl
from collections.abc import Awaitable, Callable

import aiohttp

from exposedapp.exposure.probes import Target

OK = ""

CLOSED = (errno.ECONNRESET, errno.EPIPE)

Attempt = Callable[[Target], Awaitable[str]]
"""Tries a URL; returns OK or what is wrong, in words that stay the same."""


async def probe_once(target: Target) -> str:
    """One try, within the target's time."""
    try:
        async with asyncio.timeout(target.timeout):
            return await (_get(target) if target.http else _connect(target))
    except TimeoutError:
        return "timed out"
    except UnicodeError:
        return "unknown host"  # one that is no name at all
    except (OSError, aiohttp.ClientError) as error:
        return _words(error)


async def _connect(target: Target) -> str:
    _, writer = await asyncio.open_connection(target.host, target.port)
    writer.close()
    return OK


async def _get(target: Target) -> str:
    connector = aiohttp.TCPConnector(ssl=False)  # a certificate names a host, not a node's address
    async with (
        aiohttp.ClientSession(
            connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False
        ) as session,
        session.get(target.url, allow_redirects=False) as answer,
    ):
        return OK if answer.status < 400 else f"HTTP {answer.status}"


def _words(error: Exception) -> str:
    """What went wrong, without addresses and numbers that differ from one try to the next."""
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    text = str(cause).lower()
    if isinstance(cause, ConnectionRefusedError) or "refused" in text:
        return "connection refused"
    if isinstance(cause, socket.gaierror):
        return "unknown host"
    if isinstance(cause, ssl.SSLError):
        return "no TLS"
    number = cause.errno if isinstance(cause, OSError) else None
    if number in (errno.EHOSTUNREACH, errno.ENETUNREACH):
        return "no route to host"
    if number in CLOSED or isinstance(cause, aiohttp.ServerDisconnectedError):
        return "connection closed"
    return "no answer that is HTTP" if isinstance(cause, aiohttp.ClientError) else "no connection"
