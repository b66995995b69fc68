# SPDX-License-Identifier: Apache-2.0
"""Sends requests to the API server: bounded, counted, and with one kind of error.

Used by client.py, which knows what to ask for.
"""

import asyncio
import sys
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import aiohttp

from exposedapp.api.meta import Json
from exposedapp.kube.codec import encode
from exposedapp.kube.connection import Connection
from exposedapp.kube.errors import (
    ApiError,
    broken_response_error,
    error_from_response,
    no_response_error,
)
from exposedapp.kube.lines import BrokenStreamError, read_lines
from exposedapp.kube.session import OnResponse, kopf_middleware

USER_AGENT = "exposedapp"

REQUEST_SECONDS = 30.0
CONNECT_SECONDS = 10.0

JSON = "application/json"

DRY_RUN = "dryRun=All"


class PageTooLargeError(Exception):
    """A response is larger than what its caller reads at once."""


@dataclass(slots=True)
class _Outcome:
    """How a request ended, for the metrics."""

    status: int = 0


class Transport:
    """The way to one API server."""

    def __init__(self, connection: Connection, in_flight: int) -> None:
        """At most `in_flight` requests are under way at one time; streams do not count."""
        self._connection = connection
        self._slots = asyncio.Semaphore(in_flight)
        self.observe: Callable[[str, int, float], None] = lambda *_: None
        """Called after each request with its method, the status code (0: no response) and the
        seconds it took; of a stream, the seconds until it began."""
        self.may_write: Callable[[], bool] = lambda: True
        """Whether this process may write, called right before each write is sent."""
        self.request_seconds: float | None = REQUEST_SECONDS
        """How long one request may take, streams apart; None: without a limit."""
        self.dry_run = False
        """Whether nothing that is written is stored: the API server is only asked what it says."""

    @property
    def host(self) -> str:
        """The URL of the API server."""
        return self._connection.host

    def open_session(self, on_response: OnResponse) -> aiohttp.ClientSession:
        """Open a session for kopf, which closes it; see session.py."""

        def observe(request: aiohttp.ClientRequest, status: int, seconds: float) -> None:
            self._report(request.method, status, seconds)
            on_response(request, status, seconds)

        return self._connection.open_session(kopf_middleware(observe))

    async def close(self) -> None:
        """Close the connections."""
        await self._connection.close()

    async def fetch(
        self,
        method: str,
        path: str,
        body: Json | None = None,
        content_type: str = JSON,
        accept: str = JSON,
        max_bytes: int = sys.maxsize,
    ) -> bytes:
        """The body of a successful response. What is sent is JSON unless its type is given.

        Raises ApiError, with status 0 when there is no response, and PageTooLargeError when the
        body has more than `max_bytes`.
        """
        timeout = aiohttp.ClientTimeout(total=self.request_seconds)
        headers = {"Accept": accept, "User-Agent": USER_AGENT}
        if body is not None:
            # aiohttp would call bytes application/octet-stream, which the API server refuses (415).
            headers["Content-Type"] = content_type
        async with self._slots:
            session = await self._connection.session()  # may take a while: before may_write()
            if method != "GET" and not self.may_write():
                raise ApiError(0, "NotLeader", "nothing is written without the Lease")
            if method != "GET" and self.dry_run:
                path += f"{'&' if '?' in path else '?'}{DRY_RUN}"
            with self._reported(method) as outcome:
                async with session.request(
                    method,
                    self.host + path,
                    headers=headers,
                    data=None if body is None else encode(body),
                    timeout=timeout,
                ) as response:
                    data = await _read(response, max_bytes)
                    outcome.status = response.status
        if data is None:
            raise PageTooLargeError
        if 200 <= response.status < 300:
            return data
        raise error_from_response(response.status, response.headers.get("Retry-After"), data)

    async def stream(self, path: str, seconds: int) -> AsyncGenerator[bytes]:
        """The lines of a response that lasts for at most `seconds`. Raises ApiError."""
        # A dead connection is silent: wait no longer than the API server keeps the watch open.
        timeout = aiohttp.ClientTimeout(total=seconds + CONNECT_SECONDS, connect=CONNECT_SECONDS)
        headers = {"Accept": JSON, "User-Agent": USER_AGENT}
        session = await self._connection.session()
        try:
            with self._reported("GET") as outcome:
                response = await session.get(self.host + path, headers=headers, timeout=timeout)
                outcome.status = response.status
            async with response:
                if response.status != 200:
                    retry_after = response.headers.get("Retry-After")
                    raise error_from_response(response.status, retry_after, await response.read())
                async for line in read_lines(response.content.iter_any()):
                    yield line
        except BrokenStreamError as error:
            raise broken_response_error(error) from error
        except (aiohttp.ClientError, TimeoutError) as error:
            raise no_response_error(error) from error

    @contextmanager
    def _reported(self, method: str) -> Iterator[_Outcome]:
        """Report a request. Raises ApiError when it had no response."""
        outcome, start = _Outcome(), time.monotonic()
        try:
            yield outcome
        except (aiohttp.ClientError, TimeoutError) as error:
            self._report(method, 0, time.monotonic() - start)
            raise no_response_error(error) from error
        except asyncio.CancelledError:
            # Also the caller's own timeout: that there was no response counts as silence.
            self._report(method, outcome.status, time.monotonic() - start)
            raise
        self._report(method, outcome.status, time.monotonic() - start)

    def _report(self, method: str, status: int, seconds: float) -> None:
        self._connection.observe(status)
        self.observe(method, status, seconds)


async def _read(response: aiohttp.ClientResponse, max_bytes: int) -> bytes | None:
    """The body of a response; None when it is larger."""
    chunks, size = [], 0
    async for chunk in response.content.iter_any():
        chunks.append(chunk)
        size += len(chunk)
        if size > max_bytes:
            response.close()  # releasing it would read the rest
            return None
    return b"".join(chunks)
