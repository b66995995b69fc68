# SPDX-License-Identifier: Apache-2.0
"""HTTP sessions to the API server, with the login, TLS and proxy of a client configuration.

Opened by connection.py: for the operator's own requests, and for kopf, which would log in by itself
otherwise, with its own rules for certificates, tokens and NO_PROXY. The operator could work while
kopf cannot, or the reverse.
"""

import asyncio
import socket
import ssl
import time
from collections.abc import Callable
from typing import cast

import aiohttp
from kubernetes.aio import client, config

from exposedapp.kube.errors import MAX_RETRY_AFTER_SECONDS, retry_after_seconds

UNAUTHORIZED_DELAY_SECONDS = 5.0
"""kopf logs in again at once after a 401; a token that stays refused must not become a hot loop."""

SOCKET_OPTIONS = {
    "TCP_KEEPIDLE": 10,
    "TCP_KEEPINTVL": 5,
    "TCP_KEEPCNT": 4,
    "TCP_USER_TIMEOUT": 30_000,
}
"""A dead connection ends 30 s after its last packet (seconds, TCP_USER_TIMEOUT in milliseconds).
When a control plane node is lost, nothing is sent that would end it, and requests would be sent on
it from the pool. client-go finds it by HTTP/2 pings, with the same 30 s."""

OnResponse = Callable[[aiohttp.ClientRequest, int, float], None]
"""Called after each request with the status code (0: no response) and the seconds until the
response began."""


def open_session(
    configuration: client.Configuration, *middlewares: aiohttp.ClientMiddlewareType
) -> aiohttp.ClientSession:
    """Open a session whose requests carry the token that is valid when they are sent.

    A request whose token cannot be refreshed is one without a response (ClientConnectionError).
    """

    async def authenticate(
        request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        try:
            settings = cast("dict[str, dict[str, str]]", await configuration.auth_settings())
        except (config.ConfigException, OSError, ValueError) as error:
            raise aiohttp.ClientConnectionError(f"no token for the API server: {error}") from error
        for setting in settings.values():
            request.headers[setting["key"]] = setting["value"]
        request.server_hostname = configuration.tls_server_name or request.server_hostname
        return await handler(request)

    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(
            limit=0, ssl=_ssl_context(configuration), socket_factory=_open_socket
        ),
        middlewares=(*middlewares, authenticate),
        # aiohttp would read the environment again for every request, in a thread.
        proxy=configuration.proxy,
        trust_env=False,
    )


def kopf_middleware(on_response: OnResponse) -> aiohttp.ClientMiddlewareType:
    """What kopf's requests need besides: they are reported, and kept from extreme answers."""

    async def send(
        request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        start = time.monotonic()
        try:
            response = await handler(request)
        except (aiohttp.ClientError, TimeoutError):
            on_response(request, 0, time.monotonic() - start)
            raise
        on_response(request, response.status, time.monotonic() - start)
        if response.status == 401:
            await asyncio.sleep(UNAUTHORIZED_DELAY_SECONDS)
        delay = retry_after_seconds(response.headers.get("Retry-After"))
        if delay and delay > MAX_RETRY_AFTER_SECONDS:
            # kopf would wait for as long; after this it retries with its own back-off.
            response.close()
            raise aiohttp.ClientConnectionError(f"the API server asks to wait for {delay:.0f} s")
        return response

    return send


def _ssl_context(configuration: client.Configuration) -> ssl.SSLContext:
    context = ssl.create_default_context(
        cafile=configuration.ssl_ca_cert, cadata=configuration.ca_cert_data
    )
    if configuration.cert_file:
        context.load_cert_chain(configuration.cert_file, keyfile=configuration.key_file)
    if not configuration.verify_ssl:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if configuration.disable_strict_ssl_verification:
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


def _open_socket(address: aiohttp.AddrInfoType) -> socket.socket:
    family, kind, protocol, *_ = address
    opened = socket.socket(family, kind, protocol)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in SOCKET_OPTIONS.items():
        if hasattr(socket, name):  # not every system has each
            opened.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
    return opened
