# SPDX-License-Identifier: Apache-2.0
"""Finds out through the API server's proxy whether a pod listens on a port.

Called by collect.py. It works wherever kubectl works, for users who may get pods/proxy. The request
reaches the app: no redirect is followed, and of the response only errors of the proxy are read.
"""

import asyncio
from types import SimpleNamespace

import aiohttp
from kubernetes.aio import client

TIMEOUT_SECONDS = 3.0

MAX_ERROR_BYTES = 65536

ERROR_STATUSES = (403, 502, 503)
"""What the API server itself may answer with: forbidden, or no connection to the pod."""

UNREACHED = "error trying to reach service"
"""How the proxy's error begins when it could not connect to the pod, or not understand it."""

CONNECTED_ERRORS = ("malformed HTTP", "EOF", "connection reset")
"""Errors that only a connection can have: something listens, whatever it speaks."""


class PodProxy:
    """Requests to pods of one namespace, with connections of its own."""

    def __init__(self, configuration: client.Configuration, namespace: str) -> None:
        # The client library follows redirects; this is its only hook that can stop them.
        tracing = aiohttp.TraceConfig()
        tracing.on_request_redirect.append(_stop_at_redirect)
        configuration.trace_configs = [tracing]
        self._api_client = client.ApiClient(configuration)
        self._api = client.CoreV1Api(self._api_client)
        self._namespace = namespace

    async def close(self) -> None:
        """Close the connections."""
        await self._api_client.close()

    async def listens(self, pod: str, port: int) -> bool | None:
        """Whether something in the pod listens on a TCP port; None when that is not known."""
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                # With a path: without one the API server answers with a redirect of its own.
                # Without preloading: the app decides how long its response is.
                get = self._api.connect_get_namespaced_pod_proxy_with_path_without_preload_content
                async with await get(f"{pod}:{port}", self._namespace, path="") as response:
                    if response.status not in ERROR_STATUSES:
                        return True
                    data = await response.content.read(MAX_ERROR_BYTES)
        except _RedirectError:
            return True
        except (aiohttp.ClientError, TimeoutError):
            return None
        return listens_despite_error(response.status, data.decode(errors="replace"))


def listens_despite_error(status: int, body: str) -> bool | None:
    """What an error response says of the pod's port: the proxy's own, or the app's."""
    if UNREACHED in body:
        if "connection refused" in body:
            return False
        return True if any(text in body for text in CONNECTED_ERRORS) else None
    return None if status == 403 and "pods/proxy" in body else True


class _RedirectError(Exception):
    """The app has answered with a redirect."""


async def _stop_at_redirect(
    _: aiohttp.ClientSession,
    __: SimpleNamespace,
    redirect: aiohttp.TraceRequestRedirectParams,
) -> None:
    redirect.response.close()
    raise _RedirectError
