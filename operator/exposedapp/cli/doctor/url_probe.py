# SPDX-License-Identifier: Apache-2.0
"""Probes one URL from this machine.

Called by collect.py. Whoever writes an app chooses where its URLs lead, so as little as possible is
done with them: a connection, and for HTTP one GET without redirects, proxies, cookies or
credentials, of whose response only the status is read. Unlike the operator's probe it tells a host
that does not reply from one that accepts the connection and then says nothing.
"""

import asyncio
import ssl
from contextlib import suppress
from urllib.parse import SplitResult

import aiohttp
from yarl import URL

from exposedapp.cli.doctor.diagnosis.evidence import UrlProbe
from exposedapp.cli.ports import split_url
from exposedapp.exposure.network_errors import classify_os_error
from exposedapp.exposure.probes import ProbeOutcome, ProbeResult

TIMEOUT_SECONDS = 2.0
"""For the connection, and again for the response."""

RESOLVE_SECONDS = 10.0
"""For the DNS: twice the timeout after which a resolver asks its next server (resolv.conf(5))."""

DATAGRAM_SCHEMES = {"udp", "sctp"}
"""Their ports have no connection that could be refused, or none that every system can open."""

DEFAULT_PORTS = {"https": 443, "wss": 443}

USER_AGENT = "exposedapp"

MIN_HTTP_ERROR_STATUS = 400


async def probe_url(url: str) -> UrlProbe:
    """Connect to a URL, and send a GET when it is HTTP."""
    parts = split_url(url)
    if parts is None or parts.scheme in DATAGRAM_SCHEMES:
        return UrlProbe(url)
    if not await _is_known(parts.hostname):
        return UrlProbe(url, ProbeResult(ProbeOutcome.UNKNOWN_HOST))
    if parts.scheme == "http":
        return await _get(url, _http_timeout())
    # Over TLS a handshake without an answer would look like a host that does not reply.
    connection = await _connect(url, parts)
    if parts.scheme != "https" or not connection.connected:
        return connection
    return await _get_https(url, parts)


async def _is_known(host: str | None) -> bool:
    """Whether a host is an address, or a name that the DNS of this machine resolves in time.

    Within the timeout of a connection a slow DNS would look like a host that does not reply.
    """
    try:
        async with asyncio.timeout(RESOLVE_SECONDS):
            await asyncio.get_running_loop().getaddrinfo(host, None)
    except (OSError, TimeoutError, UnicodeError):
        return False
    return True


async def _connect(url: str, parts: SplitResult) -> UrlProbe:
    port = parts.port or DEFAULT_PORTS.get(parts.scheme, 80)
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            _, writer = await asyncio.open_connection(parts.hostname, port)
    except TimeoutError:
        return UrlProbe(url, ProbeResult(ProbeOutcome.TIMED_OUT))
    except OSError as error:
        return UrlProbe(url, ProbeResult(classify_os_error(error)))
    except ValueError:  # not a valid DNS name, such as "a..b"
        return UrlProbe(url, ProbeResult(ProbeOutcome.UNKNOWN_HOST))
    # Closed before the next connection: some servers accept one at a time.
    writer.transport.abort()
    with suppress(OSError, TimeoutError):
        await asyncio.wait_for(writer.wait_closed(), TIMEOUT_SECONDS)
    return UrlProbe(url, ProbeResult(ProbeOutcome.ANSWERED), connected=True)


async def _get_https(url: str, parts: SplitResult) -> UrlProbe:
    """Send a GET over TLS; where that fails, find out whether the app speaks plain HTTP instead."""
    over_tls = await _get(url, aiohttp.ClientTimeout(total=TIMEOUT_SECONDS), connected=True)
    if over_tls.answered or over_tls.outcome is ProbeOutcome.NOT_HTTP:
        return over_tls
    plain = await _get(parts._replace(scheme="http").geturl(), _http_timeout())
    if plain.answered:
        return UrlProbe(url, ProbeResult(ProbeOutcome.NO_TLS), connected=True)
    if over_tls.outcome is ProbeOutcome.NO_TLS:
        return UrlProbe(url, ProbeResult(ProbeOutcome.NOT_HTTP), connected=True)
    return over_tls


def _http_timeout() -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=2 * TIMEOUT_SECONDS, connect=TIMEOUT_SECONDS)


async def _get(url: str, timeout: aiohttp.ClientTimeout, *, connected: bool = False) -> UrlProbe:  # noqa: ASYNC109
    """Send a GET; `connected`: the host is known to accept connections."""
    try:
        async with (
            aiohttp.ClientSession(
                # Certificates are not verified: they name a host, the URL has a node's address.
                connector=aiohttp.TCPConnector(ssl=False, force_close=True),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"User-Agent": USER_AGENT},
                auto_decompress=False,
                trust_env=False,
                timeout=timeout,
            ) as session,
            session.get(URL(url, encoded=True), allow_redirects=False) as response,
        ):
            return UrlProbe(url, _result_of_status(response.status), connected=True)
    except aiohttp.ConnectionTimeoutError:
        return UrlProbe(url, ProbeResult(ProbeOutcome.TIMED_OUT), connected)
    except TimeoutError:
        return UrlProbe(url, ProbeResult(ProbeOutcome.TIMED_OUT), connected=True)
    except aiohttp.ClientConnectorError as error:
        return UrlProbe(url, ProbeResult(_connection_outcome(error.os_error)), connected)
    except (aiohttp.ServerDisconnectedError, ConnectionResetError, BrokenPipeError):
        return UrlProbe(url, ProbeResult(ProbeOutcome.CLOSED), connected=True)
    except aiohttp.ClientOSError as error:
        return UrlProbe(url, ProbeResult(classify_os_error(error)), connected=True)
    except (aiohttp.InvalidURL, UnicodeError):  # not a valid DNS name, such as "a..b"
        return UrlProbe(url, ProbeResult(ProbeOutcome.UNKNOWN_HOST))
    except aiohttp.ClientError:
        return UrlProbe(url, ProbeResult(ProbeOutcome.NOT_HTTP), connected=True)


def _result_of_status(status: int) -> ProbeResult:
    is_error = status >= MIN_HTTP_ERROR_STATUS
    return ProbeResult(ProbeOutcome.HTTP_ERROR if is_error else ProbeOutcome.ANSWERED, status)


def _connection_outcome(error: OSError) -> ProbeOutcome:
    if isinstance(error, ssl.SSLError) and "ALERT" in (error.reason or ""):
        # Only TLS has alerts: the server speaks it, and refuses the handshake.
        return ProbeOutcome.NOT_HTTP
    return classify_os_error(error)
