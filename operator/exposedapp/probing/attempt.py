"""One attempt to reach a URL.

Called by the prober. Users choose hosts and paths, so as little as possible is done with them: a
connection, or one GET without redirects, proxies, cookies or credentials, whose body is not read.
"""

import asyncio
import errno
import socket
import ssl
from collections.abc import Awaitable, Callable

import aiohttp

from exposedapp.exposure.probes import ProbeOutcome, ProbeResult, Target

Attempt = Callable[[Target], Awaitable[ProbeResult]]

ANSWERED = ProbeResult(ProbeOutcome.ANSWERED)

CLOSED_ERRNOS = (errno.ECONNRESET, errno.EPIPE)

NO_ROUTE_ERRNOS = (errno.EHOSTUNREACH, errno.ENETUNREACH)

MIN_HTTP_ERROR_STATUS = 400


async def probe_once(target: Target) -> ProbeResult:
    """Try a URL once, within the target's timeout."""
    try:
        async with asyncio.timeout(target.timeout):
            return await (_get(target) if target.http else _connect(target))
    except TimeoutError:
        return ProbeResult(ProbeOutcome.TIMED_OUT)
    except UnicodeError:
        # The host is not a valid DNS name, such as "a..b".
        return ProbeResult(ProbeOutcome.UNKNOWN_HOST)
    except (OSError, aiohttp.ClientError) as error:
        return ProbeResult(_outcome(error))


async def _connect(target: Target) -> ProbeResult:
    _, writer = await asyncio.open_connection(target.host, target.port)
    writer.close()
    return ANSWERED


async def _get(target: Target) -> ProbeResult:
    # Certificates are not verified: they name a host, the URL has a node's address.
    connector = aiohttp.TCPConnector(ssl=False)
    async with (
        aiohttp.ClientSession(
            connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False
        ) as session,
        session.get(target.url, allow_redirects=False) as response,
    ):
        if response.status >= MIN_HTTP_ERROR_STATUS:
            return ProbeResult(ProbeOutcome.HTTP_ERROR, response.status)
        return ProbeResult(ProbeOutcome.ANSWERED)


def _outcome(error: Exception) -> ProbeOutcome:
    """Classify a network error, without its addresses and numbers, which vary between attempts."""
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    # A host with several addresses gives one OSError without errno, with the text of each.
    if isinstance(cause, ConnectionRefusedError) or "refused" in str(cause).lower():
        return ProbeOutcome.REFUSED
    if isinstance(cause, socket.gaierror):
        return ProbeOutcome.UNKNOWN_HOST
    if isinstance(cause, ssl.SSLError):
        return ProbeOutcome.NO_TLS
    number = cause.errno if isinstance(cause, OSError) else None
    if number in NO_ROUTE_ERRNOS:
        return ProbeOutcome.NO_ROUTE
    if number in CLOSED_ERRNOS or isinstance(cause, aiohttp.ServerDisconnectedError):
        return ProbeOutcome.CLOSED
    is_http = isinstance(cause, aiohttp.ClientError)
    return ProbeOutcome.NOT_HTTP if is_http else ProbeOutcome.NO_CONNECTION
