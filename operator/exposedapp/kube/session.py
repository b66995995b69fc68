"""An HTTP session to the API server for kopf, with the operator's own login, TLS and proxy.

kopf would log in by itself otherwise, with its own rules for certificates, tokens and NO_PROXY: the
operator could work while kopf cannot, or the reverse. Called by handlers.py through runtime.py.
"""

import asyncio
import time
from collections.abc import Callable

import aiohttp
from kubernetes.aio import client

UNAUTHORIZED_DELAY_SECONDS = 5.0
"""kopf logs in again at once after a 401; a token that stays refused must not become a hot loop."""

OnResponse = Callable[[aiohttp.ClientRequest, int, float], None]
"""Called after each request with the status code (0: no response) and the seconds until the
response began."""


def open_session(api: client.ApiClient, on_response: OnResponse) -> aiohttp.ClientSession:
    """Open a session whose requests carry the token that is valid when they are sent.

    kopf closes it. Raises what the client library raises when a token cannot be refreshed.
    """
    configuration = api.configuration

    async def send(
        request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        for setting in (await configuration.auth_settings()).values():
            request.headers[setting["key"]] = setting["value"]
        request.server_hostname = configuration.tls_server_name or request.server_hostname
        start = time.monotonic()
        try:
            response = await handler(request)
        except (aiohttp.ClientError, TimeoutError):
            on_response(request, 0, time.monotonic() - start)
            raise
        on_response(request, response.status, time.monotonic() - start)
        if response.status == 401:
            await asyncio.sleep(UNAUTHORIZED_DELAY_SECONDS)
        return response

    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, ssl=api.rest_client.ssl_context),
        middlewares=(send,),
        proxy=configuration.proxy,
        trust_env=False,
    )
