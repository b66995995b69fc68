# SPDX-License-Identifier: Apache-2.0
"""How much the server takes in, and that it answers whatever happens."""

import asyncio
import io
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager

import aiohttp
import pytest

from exposedapp.admission.certificate_keeper import CertificateKeeper, WebhookNames
from exposedapp.admission.results import ReviewResult
from exposedapp.admission.server import MAX_OPEN_BYTES, PATH, AdmissionServer, Handler
from exposedapp.admission.serving_secret import ServingSecret
from exposedapp.api.meta import Json
from exposedapp.telemetry.http_server import serve_http
from support.admission import app_body, review_body
from support.sockets import free_port

TOKEN = "a-token"  # noqa: S105 - of this test


class Served:
    """A server without TLS, which is ssl's matter, and with an answer that a test decides."""

    def __init__(self) -> None:
        self.port = free_port()
        self.results: list[ReviewResult] = []
        self.may_answer = asyncio.Event()
        self.waiting = 0
        names = WebhookNames("a", "b", has_own_certificate=True)
        self.keeper = CertificateKeeper(self._no_request, names, lambda: False)
        self.keeper._served = ServingSecret(token=TOKEN)
        self.keeper.is_ready.set()
        self.server = AdmissionServer(
            self.keeper, self._serve, lambda result, _: self.results.append(result)
        )

    async def _no_request(self, method: str, path: str, body: Json | None = None) -> Json:
        raise AssertionError

    def _serve(
        self, context: ssl.SSLContext, handle: Handler
    ) -> AbstractAsyncContextManager[asyncio.AbstractServer]:
        return serve_http(self.port, {PATH: handle}, method="POST", max_bytes=MAX_OPEN_BYTES)

    async def answer(self, review: Json) -> Json:
        self.waiting += 1
        await self.may_answer.wait()
        return {"response": {"uid": review["request"]["uid"], "allowed": True}}

    async def post(self, body: Json) -> int:
        url = f"http://127.0.0.1:{self.port}/{TOKEN}"
        data = io.BytesIO(json.dumps(body).encode())
        async with aiohttp.ClientSession() as session, session.post(url, data=data) as response:
            return response.status


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    fixture = Served()

    async def run() -> None:
        async for _ in fixture.server.run(fixture.answer):
            opened.set()

    opened = asyncio.Event()
    task = asyncio.create_task(run())
    await asyncio.wait_for(opened.wait(), 10)
    yield fixture
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_reviews_that_are_too_large_together_are_accepted_unseen(served: Served) -> None:
    large = review_body(app_body(args=["x" * (MAX_OPEN_BYTES // 3)]))
    tasks = [asyncio.create_task(served.post(large)) for _ in range(2)]
    async with asyncio.timeout(10):
        while served.waiting < 2:
            await asyncio.sleep(0.01)
    assert await asyncio.wait_for(served.post(large), 10) == 503
    assert served.results == [ReviewResult.BUSY]
    served.may_answer.set()
    assert await asyncio.gather(*tasks) == [200, 200]
    assert await served.post(large) == 200


async def test_a_small_review_passes_many(served: Served) -> None:
    tasks = [asyncio.create_task(served.post(review_body(app_body()))) for _ in range(100)]
    async with asyncio.timeout(10):
        while served.waiting < 100:
            await asyncio.sleep(0.01)
    served.may_answer.set()
    assert set(await asyncio.gather(*tasks)) == {200}
