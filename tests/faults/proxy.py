# SPDX-License-Identifier: Apache-2.0
"""A proxy between one operator and the API server; faults interfere with what passes.

Plain HTTP towards the operator; the administrator's credentials are added here. One operator has
one proxy, so its log of calls is what this operator did.
"""

import asyncio
import json
import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import parse_qs, urlsplit

import aiohttp
import yaml
from aiohttp import web
from yarl import URL

from faults.api_server import ApiServer, Json

PATH = re.compile(
    r"/(?:api|apis/(?P<group>[^/]+))/v[^/]+(?:/namespaces/(?P<namespace>[^/]+))?"
    r"/(?P<plural>[a-z]+)(?:/(?P<name>[^/]+))?(?:/(?P<part>[a-z]+))?$"
)
VERBS = {"POST": "create", "PATCH": "patch", "PUT": "update", "DELETE": "delete"}
HOP_HEADERS = ("Content-Type", "Retry-After", "Audit-Id")


class CutError(Exception):
    """The connection ends without a further byte than `last_bytes`."""

    def __init__(self, last_bytes: bytes = b"") -> None:
        super().__init__()
        self.last_bytes = last_bytes


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """One request of the operator, in the words of an RBAC rule."""

    verb: str
    resource: str
    namespace: str
    name: str
    path: str
    body: bytes = b""

    @classmethod
    def parse(cls, method: str, path: str, body: bytes) -> "Call":
        """Read a method and a path with its query. What is no resource's path has resource ""."""
        url = urlsplit(path)
        match = PATH.match(url.path)
        if not match:
            return cls("get", "", "", "", path, body)
        part = match["part"]
        resource = f"{match['plural']}/{part}" if part else match["plural"]
        verb = VERBS.get(method) or ("get" if match["name"] else "list")
        if verb == "list" and parse_qs(url.query).get("watch", ["0"])[0].lower() in ("1", "true"):
            verb = "watch"
        return cls(verb, resource, match["namespace"] or "", match["name"] or "", path, body)

    @property
    def is_write(self) -> bool:
        """Whether it changes an object that an app depends on: not an Event, not the Lease."""
        return self.verb in VERBS.values() and self.resource not in ("events", "leases", "")


class Fault:
    """What interferes with calls. The base class interferes with nothing.

    Each method may wait, and may raise CutError.
    """

    def __init__(self) -> None:
        self.ended = asyncio.Event()

    async def before(self, call: Call) -> web.Response | None:
        """Called with a request that has not been sent yet; a response is used instead."""
        return None

    async def after(self, call: Call, status: int) -> None:
        """Called when the API server has answered, and the operator has not been given it yet."""

    async def line(self, call: Call, line: bytes) -> bytes:
        """What becomes of an event of a watch."""
        return line


class Proxy:
    """Serves one operator at 127.0.0.1."""

    def __init__(self, api: ApiServer) -> None:
        self.calls: list[Call] = []
        self.faults: list[Fault] = []
        self.first_lists: dict[tuple[str, str], bytes] = {}
        """The first answer to each list in pieces, by resource and query."""
        self._api = api
        self._transports: set[asyncio.Transport] = set()
        self._runner: web.AppRunner | None = None
        self.url = ""

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=8 * 2**20)
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(
            app, shutdown_timeout=0.1, handler_cancellation=True, access_log=None
        )
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self.cut_all()
        assert self._runner
        await self._runner.cleanup()

    def kubeconfig(self, folder: Path) -> Path:
        """Write a kubeconfig that leads here."""
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "test",
            "clusters": [{"name": "test", "cluster": {"server": self.url}}],
            "users": [{"name": "test", "user": {"token": "none"}}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
        }
        path = folder / "kubeconfig"
        path.write_text(yaml.safe_dump(config))
        return path

    def cut_all(self) -> None:
        """Abort every connection, whether or not a request is under way on it."""
        for transport in self._transports:
            transport.abort()
        self._transports.clear()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        call = Call.parse(request.method, request.raw_path, await request.read())
        self.calls.append(call)
        assert request.transport
        self._transports.add(request.transport)
        try:
            for fault in list(self.faults):
                if response := await fault.before(call):
                    return response
            return await self._forward(request, call)
        except (CutError, aiohttp.ClientError):
            _abort(request)
            return web.Response(status=502)

    async def _forward(self, request: web.Request, call: Call) -> web.StreamResponse:
        headers = {
            name: request.headers[name]
            for name in ("Accept", "Content-Type")
            if name in request.headers
        }
        async with self._api.session.request(
            request.method,
            URL(self._api.url + request.raw_path, encoded=True),
            data=call.body or None,
            headers=headers,
            skip_auto_headers=("Content-Type",),
        ) as answer:
            kept = {name: answer.headers[name] for name in HOP_HEADERS if name in answer.headers}
            if call.verb == "watch" and answer.status == 200:
                return await self._stream(request, call, answer, kept)
            body = await answer.read()
            for fault in list(self.faults):
                await fault.after(call, answer.status)
            if call.verb == "list" and answer.status == 200:
                self.first_lists.setdefault(list_key(call), body)
            return web.Response(body=body, status=answer.status, headers=kept)

    async def _stream(
        self,
        request: web.Request,
        call: Call,
        answer: aiohttp.ClientResponse,
        headers: dict[str, str],
    ) -> web.StreamResponse:
        response = web.StreamResponse(headers=headers)
        await response.prepare(request)
        with suppress(ConnectionResetError):
            async for line in answer.content:
                try:
                    for fault in list(self.faults):
                        line = await fault.line(call, line)
                except CutError as cut:
                    await response.write(cut.last_bytes)
                    await asyncio.sleep(0)
                    raise
                if line:
                    await response.write(line)
        return response


def _abort(request: web.Request) -> None:
    if request.transport:
        request.transport.abort()


def list_key(call: Call) -> tuple[str, str]:
    """What makes two lists the same: the resource and the query, without the watch's parts."""
    return call.resource, urlsplit(call.path).query


def status_response(code: int, reason: str = "", retry_after: int | None = None) -> web.Response:
    """A refusal as the API server words it."""
    headers = {"Retry-After": str(retry_after)} if retry_after is not None else None
    return web.json_response(status_body(code, reason), status=code, headers=headers)


def status_body(code: int, reason: str = "") -> Json:
    """A metav1.Status."""
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": "a fault of the test",
        "reason": reason,
        "code": code,
    }


EXPIRED = json.dumps({"type": "ERROR", "object": status_body(410, "Expired")}).encode() + b"\n"
"""How the API server ends a watch whose resourceVersion is too old."""
