# SPDX-License-Identifier: Apache-2.0
"""The informer lists and watches a kind, whatever happens to the connection."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

import pytest

from exposedapp.api.meta import Json
from exposedapp.cache.cache import Cache
from exposedapp.cache.informer import BACKOFF, WATCH_SECONDS, Informer
from exposedapp.cache.versions import HistoryRewrittenError
from exposedapp.cache.watches import (
    Requests,
    ResourceHandler,
    ServiceHandler,
    resource_handlers,
)
from exposedapp.kube.errors import ApiError
from exposedapp.kube.resources import NODES, SERVICES, Resource
from exposedapp.kube.scope import Scope
from exposedapp.kube.transport import CONNECT_SECONDS
from support.objects import node_body

AWAY = ApiError(0, "NoAnswer", "no answer from the API server")
EXPIRED = ApiError(410, "Expired", "too old resource version")


class Server:
    """Responds to lists and watches by a script, one after the other."""

    def __init__(self, *script: Any) -> None:
        self.script = list(script)
        self.requests: list[str] = []
        self.done = asyncio.Event()

    def _next(self, request: str) -> Any:
        self.requests.append(request)
        if not self.script:
            self.done.set()
            return None
        return self.script.pop(0)

    async def list(self, resource: Resource) -> AsyncIterator[Json]:
        pages = self._next(f"list {resource.plural}")
        if isinstance(pages, Exception):
            raise pages
        for page in pages or ():
            yield page
        if pages is None:
            await asyncio.Event().wait()

    async def current_version(self, resource: Resource) -> str:
        version = self._next(f"version of {resource.plural}")
        if isinstance(version, Exception):
            raise version
        if version is None:
            await asyncio.Event().wait()
        return str(version)

    async def watch(self, resource: Resource, version: str, seconds: int) -> AsyncGenerator[Json]:
        assert WATCH_SECONDS * 0.8 - 1 <= seconds <= WATCH_SECONDS
        events = self._next(f"watch {resource.plural} {version}")
        for event in events or ():
            if isinstance(event, Exception):
                raise event
            yield event
        if events is None:
            await asyncio.Event().wait()


def page(version: int, *bodies: Json) -> Json:
    return {"metadata": {"resourceVersion": str(version)}, "items": list(bodies)}


def node(name: str, version: int, **given: Any) -> Json:
    body = node_body(name, "10.0.0.1", **given)
    body["metadata"]["resourceVersion"] = str(version)
    return body


def event(kind: str, body: Json) -> Json:
    return {"type": kind, "object": body}


BOOKMARK = event("BOOKMARK", {"metadata": {"resourceVersion": "90"}})


@pytest.fixture(autouse=True)
def without_pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    pauses: list[float] = []
    sleep = asyncio.sleep

    async def note(seconds: float) -> None:
        pauses.append(seconds)
        await sleep(0)

    monkeypatch.setattr("exposedapp.cache.informer.asyncio.sleep", note)
    return pauses


@pytest.fixture
def slow_watches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Takes a watch that ends at once for a silent one, not for an API server that stops."""
    monkeypatch.setattr("exposedapp.cache.informer.MIN_WATCH_SECONDS", 0.0)


async def follow(server: Server) -> tuple[Cache, int]:
    """The cache of the nodes in the end, and how often requests were queued for them."""
    cache, queued = Cache(), []

    def queue(handler: ResourceHandler, requests: Requests) -> None:
        queued.append((handler, list(requests)))

    nodes = next(handler for handler in resource_handlers(cache) if handler.resource == NODES)
    task = asyncio.create_task(Informer(server, NODES, nodes, queue, lambda _: None).run())
    done = asyncio.create_task(server.done.wait())
    await asyncio.wait((task, done), timeout=10, return_when=asyncio.FIRST_COMPLETED)
    if task.done():
        await task
    task.cancel()
    assert done.done()
    return cache, len(queued)


async def test_lists_page_by_page_and_then_follows() -> None:
    events = [
        event("ADDED", node("c", 11)),
        event("DELETED", node("a", 12)),
        event("MODIFIED", node("b", 13)),
    ]
    server = Server([page(10, node("a", 1)), page(10, node("b", 2))], events)
    cache, _ = await follow(server)
    assert sorted(cache.nodes.nodes) == ["b", "c"]
    assert server.requests == ["list nodes", "watch nodes 10", "watch nodes 13"]


async def test_a_bookmark_says_where_to_go_on() -> None:
    server = Server([page(10)], [BOOKMARK])
    await follow(server)
    assert server.requests[-1] == "watch nodes 90"


async def test_a_break_goes_on_where_it_was() -> None:
    script = [event("ADDED", node("a", 11)), AWAY], 15, [AWAY], AWAY, 15, [BOOKMARK]
    server = Server([page(10)], *script)
    cache, _ = await follow(server)
    assert list(cache.nodes.nodes) == ["a"]
    assert server.requests == [
        "list nodes",
        "watch nodes 10",
        "version of nodes",
        "watch nodes 11",
        "version of nodes",
        "version of nodes",
        "watch nodes 11",
        "watch nodes 90",
    ]


async def test_what_was_deleted_while_nobody_watched_is_gone_after_the_new_list() -> None:
    server = Server([page(10, node("a", 1), node("b", 2))], [EXPIRED], [page(20, node("b", 2))], [])
    cache, _ = await follow(server)
    assert list(cache.nodes.nodes) == ["b"]
    assert server.requests[2] == "list nodes"


async def test_a_list_that_breaks_off_takes_nothing_away() -> None:
    server = Server([page(10, node("a", 1))], [EXPIRED], AWAY, [page(20, node("a", 1))], [])
    cache, _ = await follow(server)
    assert list(cache.nodes.nodes) == ["a"]


async def test_tries_again_later_and_later_and_at_once_after_news(
    without_pauses: list[float],
) -> None:
    server = Server(*[AWAY] * 8, [page(10)], [AWAY], 10, [event("ADDED", node("a", 11)), AWAY])
    await follow(server)
    assert without_pauses[:8] == sorted(without_pauses[:4]) + without_pauses[4:8]
    assert max(without_pauses) <= BACKOFF.maximum
    assert without_pauses[-1] <= BACKOFF.initial


async def test_lists_are_not_asked_for_without_end_while_watches_are_refused(
    without_pauses: list[float],
) -> None:
    refused = ApiError(403, "Forbidden", "nodes is forbidden: cannot watch")
    server = Server(*[[page(10)], [refused]] * 6)
    await follow(server)
    assert without_pauses == sorted(without_pauses)
    assert without_pauses[-1] > without_pauses[0] * 4


async def test_the_api_server_says_when_to_come_back(without_pauses: list[float]) -> None:
    busy = ApiError(429, "TooManyRequests", "too many requests", retry_after=7.0)
    await follow(Server(busy, [page(10)], []))
    assert without_pauses[0] == 7.0


async def test_a_watch_that_ends_at_once_is_not_asked_for_without_end(
    without_pauses: list[float],
) -> None:
    await follow(Server([page(10)], *[[], 10] * 6))
    assert len(without_pauses) >= 6
    assert min(without_pauses) > 0.3
    assert max(without_pauses) > 5


async def test_an_object_that_cannot_be_read_stops_no_other(
    caplog: pytest.LogCaptureFixture,
) -> None:
    malformed = [
        {**node("odd", 11), "spec": {"taints": "none"}},
        {"kind": "Node"},
        {"metadata": {"name": "no-version"}},
    ]
    listed = page(10, node("a", 1), *malformed, node("b", 2))
    events = [event("MODIFIED", body) for body in malformed]
    server = Server([listed], [*events, event("ADDED", node("c", 12))])
    cache, _ = await follow(server)
    assert sorted(cache.nodes.nodes) == ["a", "b", "c"]
    assert server.requests == ["list nodes", "watch nodes 10", "watch nodes 12"]
    assert "nodes: cannot read odd" in caplog.text
    assert "nodes: cannot read an object without metadata" in caplog.text


RESTORED = "resourceVersion 5 after 20"


@pytest.mark.parametrize(
    "script",
    [
        ([], 5),
        ([AWAY], 5),
        ([event("BOOKMARK", {"metadata": {"resourceVersion": "5"}})], [page(5, node("a", 1))]),
        ([event("MODIFIED", node("a", 5))], [page(5, node("a", 5))]),
        ([EXPIRED], [page(5, node("a", 1))]),
    ],
    ids=["a silent watch", "a break", "an older bookmark", "an older event", "an older list"],
)
async def test_an_etcd_restore_ends_it(script: tuple[Any, ...], slow_watches: None) -> None:
    server = Server([page(20, node("a", 10))], *script)
    with pytest.raises(HistoryRewrittenError, match=RESTORED):
        await follow(server)


async def test_a_list_with_a_state_that_is_over_shows_an_etcd_restore() -> None:
    """The revisions have already passed the point at which the backup was restored."""
    server = Server([page(20, node("a", 10))], [EXPIRED], [page(30, node("a", 9))])
    with pytest.raises(HistoryRewrittenError, match="/a is listed with resourceVersion 9, after"):
        await follow(server)


async def test_a_silent_watch_is_followed_by_one_small_request(slow_watches: None) -> None:
    server = Server([page(20)], [], 25, [BOOKMARK])
    await follow(server)
    assert server.requests == [
        "list nodes",
        "watch nodes 20",
        "version of nodes",
        "watch nodes 20",
        "watch nodes 90",
    ]


async def test_nothing_ends_it(caplog: pytest.LogCaptureFixture) -> None:
    server = Server([{"no": "page"}], [page(10, node("a", 1))], [])
    cache, _ = await follow(server)
    assert list(cache.nodes.nodes) == ["a"]
    assert "unexpected error" in caplog.text


async def test_an_error_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    await follow(Server(AWAY, AWAY, AWAY, [page(10)], [BOOKMARK]))
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_a_connection_that_is_silent_because_it_is_dead_is_noticed_within_45_seconds() -> None:
    assert WATCH_SECONDS + CONNECT_SECONDS <= 45


# --- one namespace of a scope ---------------------------------------------------------------------

SHOP, STAGING = Scope(("shop", "staging")).limit(SERVICES)
FORBIDDEN = ApiError(403, "Forbidden", "services is forbidden")
BROKEN = ApiError(500, "InternalError", "unable to transform key")


def service(namespace: str, name: str, version: int) -> Json:
    metadata = {"namespace": namespace, "name": name, "uid": name, "resourceVersion": str(version)}
    return {"metadata": metadata, "spec": {}}


async def test_a_list_of_one_namespace_deletes_nothing_in_another() -> None:
    cache = Cache()
    handler = ServiceHandler(cache)
    scripts: dict[Resource, list[Any]] = {
        STAGING: [[page(10, service("staging", "web", 1))], []],
        SHOP: [[page(11, service("shop", "web", 2))], [EXPIRED], [page(12)], []],
    }
    for resource, script in scripts.items():
        server = Server(*script)
        informer = Informer(server, resource, handler, lambda *_: None, lambda _: None)
        task = asyncio.create_task(informer.run())
        async with asyncio.timeout(10):
            await server.done.wait()
        task.cancel()
    assert list(cache.children["Service"]) == [("staging", "web")]


@pytest.mark.parametrize("error", [FORBIDDEN, BROKEN, AWAY, KeyError("metadata")], ids=repr)
async def test_a_first_list_that_fails_is_an_attempt_and_made_again(error: Exception) -> None:
    server = Server(error, AWAY, FORBIDDEN, [page(10)], [])
    informer = Informer(server, SHOP, ServiceHandler(Cache()), lambda *_: None, lambda _: None)
    task = asyncio.create_task(informer.run())
    async with asyncio.timeout(10):
        await informer.has_attempted.wait()
        assert not informer.has_synced.is_set()
        await informer.has_synced.wait()
    task.cancel()
