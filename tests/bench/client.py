# SPDX-License-Identifier: Apache-2.0
"""The API server, asked in raw JSON over one session: as little of a client as there can be."""

import asyncio
import ssl
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self, TypeVar, cast

import aiohttp
import orjson
from kubernetes.aio import client, config

Json = dict[str, Any]
T = TypeVar("T")

IN_FLIGHT = 32
TIMEOUT_SECONDS = 30.0
MERGE_PATCH = "application/merge-patch+json"
MAX_LINE_BYTES = 2**22

ROOT = Path(__file__).parents[2]
KUBECONFIG = ROOT / "build" / "kubeconfig-bench"


class Refused(Exception):
    """The API server's refusal; `status` is the HTTP code."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status


class Api:
    """The API server. There are never more than `in_flight` requests under way, watches apart."""

    def __init__(self, session: aiohttp.ClientSession, host: str, in_flight: int) -> None:
        self._session = session
        self._host = host
        self._free = asyncio.Semaphore(in_flight)

    @classmethod
    @asynccontextmanager
    async def connect(
        cls, kubeconfig: Path = KUBECONFIG, in_flight: int = IN_FLIGHT
    ) -> AsyncIterator[Self]:
        """Logs in by a kubeconfig with a client certificate, as kind writes it."""
        configuration = client.Configuration()
        await config.load_kube_config(  # type: ignore[no-untyped-call]
            str(kubeconfig),
            client_configuration=configuration,
            temp_file_path=tempfile.gettempdir(),
        )
        context = ssl.create_default_context(cafile=configuration.ssl_ca_cert)
        if configuration.cert_file:
            context.load_cert_chain(configuration.cert_file, configuration.key_file)
        connector = aiohttp.TCPConnector(ssl=context, limit=0)
        async with aiohttp.ClientSession(
            connector=connector, read_bufsize=MAX_LINE_BYTES
        ) as session:
            yield cls(session, configuration.host, in_flight)

    async def get(self, path: str) -> Json:
        """What is at a path."""
        return await self._json("GET", path)

    async def post(self, path: str, body: Json) -> Json:
        """Creates an object; the answer is the object as it is now."""
        return await self._json("POST", path, body)

    async def patch(self, path: str, body: Json) -> Json:
        """A merge patch; the answer is the object as it is now."""
        return await self._json("PATCH", path, body, MERGE_PATCH)

    async def put(self, path: str, body: Json) -> Json:
        """Replaces an object; the answer is the object as it is now."""
        return await self._json("PUT", path, body)

    async def delete(self, path: str) -> None:
        """Deletes what is at a path; that it is gone already is no error."""
        try:
            await self._json("DELETE", path)
        except Refused as refused:
            if refused.status != 404:
                raise

    async def text(self, path: str) -> str:
        """What is at a path that answers no JSON."""
        return (await self._request("GET", path, None, "")).decode()

    async def watch(self, path: str) -> AsyncIterator[Json]:
        """The events of a collection, for ever; what is there first, as if it were added.

        The API server breaks off a watch that is a moment too slow for it. Then it goes on from
        where it was, or from the beginning.
        """
        version = "0"
        while True:
            async for event in self._follow(path, version):
                if event["type"] == "ERROR":
                    version = "0"
                    break
                version = event["object"]["metadata"]["resourceVersion"]
                yield event

    async def _follow(self, path: str, version: str) -> AsyncIterator[Json]:
        timeout = aiohttp.ClientTimeout(total=None, connect=TIMEOUT_SECONDS)
        url = f"{self._host}{path}?watch=1&resourceVersion={version}&timeoutSeconds=3600"
        try:
            async with self._session.get(url, timeout=timeout) as answer:
                if answer.status == 410:
                    yield {"type": "ERROR"}
                elif answer.status != 200:
                    raise Refused(answer.status, f"watch of {path}: {await answer.text()}")
                async for line in answer.content:
                    yield cast("Json", orjson.loads(line))
        except aiohttp.ClientPayloadError:
            pass  # broken off in the middle of a line

    async def _json(
        self, method: str, path: str, body: Json | None = None, kind: str = "application/json"
    ) -> Json:
        data = orjson.dumps(body) if body is not None else None
        return cast("Json", orjson.loads(await self._request(method, path, data, kind)))

    async def _request(self, method: str, path: str, data: bytes | None, kind: str) -> bytes:
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
        headers = {"Content-Type": kind} if data is not None else {}
        async with (
            self._free,
            self._session.request(
                method, self._host + path, data=data, headers=headers, timeout=timeout
            ) as answer,
        ):
            read = await answer.read()
        if not 200 <= answer.status < 300:
            raise Refused(answer.status, f"{method} {path}: {_message(read)}")
        return read


def _message(data: bytes) -> str:
    try:
        return str(orjson.loads(data)["message"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return data[:200].decode(errors="replace")


async def for_each(
    items: Iterable[T], work: Callable[[T], Awaitable[object]], workers: int = IN_FLIGHT
) -> None:
    """Does the work of each item, so many at a time."""
    left = iter(items)

    async def worker() -> None:
        for item in left:
            await work(item)

    async with asyncio.TaskGroup() as group:
        for _ in range(workers):
            group.create_task(worker())
