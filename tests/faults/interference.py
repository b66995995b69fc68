# SPDX-License-Identifier: Apache-2.0
"""The faults that the proxy can cause: one class per kind of fault."""

import asyncio
import json
from collections.abc import Awaitable, Callable

from aiohttp import web

from faults.proxy import EXPIRED, Call, CutError, Fault, Proxy, list_key, status_response

Selector = Callable[[Call], bool]


def everything(call: Call) -> bool:
    """Selects every request."""
    return True


def writes(call: Call) -> bool:
    """Selects what changes an object."""
    return call.is_write


def reads(call: Call) -> bool:
    """Selects lists and watches."""
    return call.verb in ("list", "watch")


def right(verb: str, resource: str) -> Selector:
    """Selects one verb on one resource."""
    return lambda call: (call.verb, call.resource) == (verb, resource)


class Refuse(Fault):
    """An error in place of an answer."""

    def __init__(
        self, code: int, selector: Selector = everything, retry_after: int | None = None
    ) -> None:
        super().__init__()
        self._code = code
        self._selector = selector
        self._retry_after = retry_after

    async def before(self, call: Call) -> web.Response | None:
        if not self._selector(call):
            return None
        reason = {403: "Forbidden", 410: "Expired", 429: "TooManyRequests"}.get(self._code, "")
        return status_response(self._code, reason, self._retry_after)


class Disconnect(Fault):
    """A connection that ends as soon as something is sent on it."""

    async def before(self, call: Call) -> web.Response | None:
        raise CutError


class LoseAnswer(Fault):
    """A write is carried out, and the connection ends before its answer."""

    async def after(self, call: Call, status: int) -> None:
        if call.is_write:
            raise CutError


class Delay(Fault):
    """Each request waits, and so does each event of a watch."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._seconds = seconds

    async def before(self, call: Call) -> web.Response | None:
        await asyncio.sleep(self._seconds)
        return None

    async def line(self, call: Call, line: bytes) -> bytes:
        await asyncio.sleep(self._seconds)
        return line


class BlackHole(Fault):
    """No byte arrives, in either direction; a connection of that time stays silent afterwards."""

    async def before(self, call: Call) -> web.Response | None:
        await asyncio.Event().wait()
        return None

    async def line(self, call: Call, line: bytes) -> bytes:
        await asyncio.Event().wait()
        return line


class SilentWatches(Fault):
    """The watches of a resource that are open stay open, and nothing arrives on them any more."""

    def __init__(self, proxy: Proxy, resource: str) -> None:
        super().__init__()
        self._calls = {call for call in proxy.calls if call.resource == resource}

    async def line(self, call: Call, line: bytes) -> bytes:
        if call in self._calls:
            await asyncio.Event().wait()
        return line


class CutLine(Fault):
    """Every event of a watch is cut in its middle, and the connection with it."""

    async def line(self, call: Call, line: bytes) -> bytes:
        raise CutError(line[: len(line) // 2])


class ExpireWatch(Fault):
    """Every watch is answered with 410 in its stream, in place of an event."""

    async def line(self, call: Call, line: bytes) -> bytes:
        raise CutError(EXPIRED)


class LoseEvent(Fault):
    """The first event of one type is lost; after it the watch expires, so that a list follows."""

    def __init__(self, resource: str, event_type: str) -> None:
        super().__init__()
        self._resource = resource
        self._type = event_type
        self._lost_on: Call | None = None

    async def line(self, call: Call, line: bytes) -> bytes:
        if call is self._lost_on:
            return b""
        if self._lost_on is None and call.resource == self._resource and self._matches(line):
            self._lost_on = call
            await self.ended.wait()
            raise CutError(EXPIRED)
        return line

    def _matches(self, line: bytes) -> bool:
        return bool(json.loads(line)["type"] == self._type)


class StaleLists(Fault):
    """Lists answer as they did first: what an API server answers that is behind the others."""

    def __init__(self, proxy: Proxy) -> None:
        super().__init__()
        self._lists = dict(proxy.first_lists)

    async def before(self, call: Call) -> web.Response | None:
        body = self._lists.get(list_key(call)) if call.verb == "list" else None
        return web.Response(body=body, content_type="application/json") if body else None


class KillAtWrite(Fault):
    """SIGKILL at one write: before it is sent, or after the API server has carried it out."""

    def __init__(
        self,
        kill: Callable[[], Awaitable[None]],
        namespace: str,
        point: tuple[str, int],
        *,
        is_before: bool,
    ) -> None:
        """`point` is a write's name and how often it must have been sent in the namespace."""
        super().__init__()
        self._kill = kill
        self._namespace = namespace
        self._name, self._remaining = point
        self._is_before = is_before

    async def before(self, call: Call) -> web.Response | None:
        if self._is_before:
            await self._count(call)
        return None

    async def after(self, call: Call, status: int) -> None:
        if not self._is_before:
            await self._count(call)

    async def _count(self, call: Call) -> None:
        if call.namespace == self._namespace and write_name(call) == self._name:
            self._remaining -= 1
            if self._remaining == 0:
                self.ended.set()
                await self._kill()
                raise CutError


def write_name(call: Call) -> str:
    """Which write it is, apart from how often it was sent; "" for what is no write."""
    return f"{call.verb} {call.resource} {call.name}" if call.is_write else ""
