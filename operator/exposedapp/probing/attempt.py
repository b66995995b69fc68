# SPDX-License-Identifier: Apache-2.0
"""One attempt to reach a URL.

Called by the prober. Users choose hosts and paths, so a probe does as little as possible with them:
it finds out whether the port accepts a connection, or sends one GET without redirects, proxies,
cookies or credentials, whose body is not read. docs/probing.md describes it for those who are
probed.
"""

import asyncio
from collections.abc import Awaitable, Callable

import aiohttp

from exposedapp.exposure.network_errors import classify_os_error
from exposedapp.exposure.probes import ProbeOutcome, ProbeResult, Target
from exposedapp.probing.connection import check_port
from exposedapp.version import __version__

Attempt = Callable[[Target], Awaitable[ProbeResult]]

ANSWERED = ProbeResult(ProbeOutcome.ANSWERED)

MIN_HTTP_ERROR_STATUS = 400

USER_AGENT = f"exposedapp-operator/{__version__} (probe)"
"""By which the access log of an app shows that it was the operator, and which version."""


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
    await check_port(target.host, target.port)
    return ANSWERED


async def _get(target: Target) -> ProbeResult:
    # Certificates are not verified: they name a host, the URL has a node's address.
    connector = aiohttp.TCPConnector(ssl=False)
    async with (
        aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": USER_AGENT},
            trust_env=False,
        ) as session,
        session.get(target.url, allow_redirects=False) as response,
    ):
        if response.status >= MIN_HTTP_ERROR_STATUS:
            return ProbeResult(ProbeOutcome.HTTP_ERROR, response.status)
        return ProbeResult(ProbeOutcome.ANSWERED)


def _outcome(error: OSError | aiohttp.ClientError) -> ProbeOutcome:
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    if isinstance(cause, aiohttp.ServerDisconnectedError):
        return ProbeOutcome.CLOSED
    return classify_os_error(cause) if isinstance(cause, OSError) else ProbeOutcome.NOT_HTTP
