# SPDX-License-Identifier: Apache-2.0
"""The HTTPS server that the API server calls: reads a review, has it answered, and never fails it.

Built by runtime.py; kopf starts it and gives it the function that answers (handlers.py). Whatever
goes wrong, the app is accepted: the webhook's failurePolicy is Ignore.
"""

import asyncio
import hmac
import logging
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager

from aiohttp import web

from exposedapp.admission.certificate_keeper import CertificateKeeper
from exposedapp.admission.results import Observe, ReviewResult
from exposedapp.admission.reviewer import FAILED
from exposedapp.api.meta import Json
from exposedapp.kube.codec import parse

log = logging.getLogger(__name__)

MAX_REVIEW_BYTES = 8 * 1024 * 1024
"""A review has an object and what it was. The API server reads requests of at most 3 MiB
(MaxRequestBodyBytes in k8s.io/apiserver, pkg/server/config.go)."""

MAX_OPEN_BYTES = 2 * MAX_REVIEW_BYTES
"""Of all reviews at one time: whoever may write large apps could fill the memory with them."""

PATH = "/{token}"

Answer = Callable[[Json], Awaitable[Json]]
"""Answers an AdmissionReview with one."""
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Serve = Callable[[ssl.SSLContext, Handler], AbstractAsyncContextManager[asyncio.AbstractServer]]
"""Opens an HTTPS server that has POST to PATH handled. Raises OSError."""


class AdmissionServer:
    """Serves reviews as soon as there is a certificate."""

    def __init__(self, keeper: CertificateKeeper, serve: Serve, observe: Observe) -> None:
        self._keeper = keeper
        self._serve = serve
        self._observe = observe
        self._open_bytes = 0

    async def run(self, answer: Answer) -> AsyncIterator[Json]:
        """Serve until cancelled; yields once, when the server is open.

        A port that cannot be bound is logged, and the operator goes on without a webhook.
        """
        await self._keeper.is_ready.wait()
        try:
            async with self._serve(self._keeper.context, self._handler(answer)) as server:
                yield {}
                await server.serve_forever()
        except OSError as error:
            log.error("Admission requests are not served: %s", error)  # noqa: TRY400
            await asyncio.Event().wait()

    def _handler(self, answer: Answer) -> Handler:
        async def handle(request: web.Request) -> web.Response:
            if not self._is_from_api_server(request):
                return web.Response(status=404)
            size = MAX_REVIEW_BYTES if request.content_length is None else request.content_length
            if self._open_bytes + size > MAX_OPEN_BYTES:
                self._observe(ReviewResult.BUSY, 0.0)
                return web.Response(status=503)
            self._open_bytes += size
            try:
                return await self._respond(answer, await request.read())
            finally:
                self._open_bytes -= size

        return handle

    def _is_from_api_server(self, request: web.Request) -> bool:
        """Whether the client knows the path, which only the webhook's configuration has.

        The port is open to every pod, and what is answered would tell of any namespace.
        """
        token = request.match_info["token"]
        return hmac.compare_digest(token.encode(), self._keeper.token.encode())

    async def _respond(self, answer: Answer, data: bytes) -> web.Response:
        start = time.monotonic()
        try:
            review = parse(data)
            uid = review["request"]["uid"]
        except (ValueError, KeyError, TypeError):
            return web.Response(status=400)
        try:
            response = await answer(review)
        except Exception:
            log.exception("An admission request failed; the app is accepted")
            self._observe(ReviewResult.ERROR, time.monotonic() - start)
            response = _accepted(review, uid)
        return web.json_response(response)


def _accepted(review: Json, uid: str) -> Json:
    """The review with an answer that accepts the app unseen."""
    return {
        "apiVersion": review.get("apiVersion"),
        "kind": review.get("kind"),
        "response": {"uid": uid, "allowed": True, "warnings": [FAILED]},
    }
