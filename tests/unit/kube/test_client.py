# SPDX-License-Identifier: Apache-2.0
"""The client against an HTTP server: the requests it sends, and how it reads the responses."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from kubernetes.aio import client
from kubernetes.aio.config import ConfigException

from exposedapp.api.meta import Json
from exposedapp.kube.client import PAGE_SIZE, KubeClient
from exposedapp.kube.errors import MAX_RETRY_AFTER_SECONDS, ApiError
from exposedapp.kube.resources import NODES
from exposedapp.kube.scope import Scope

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
SERVICE = {"kind": "Service", "metadata": {"namespace": "shop", "name": "web"}}


@asynccontextmanager
async def served(handler: Handler, in_flight: int = 32) -> AsyncIterator[KubeClient]:
    """A client of an API server that responds with the handler."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    async with TestServer(app) as server:
        configuration = client.Configuration()
        configuration.host = str(server.make_url("")).rstrip("/")
        kube_client = KubeClient(configuration, in_flight)
        try:
            async with asyncio.timeout(10):
                yield kube_client
        finally:
            await kube_client.close()


def refuses(status: int, body: dict[str, Any] | str, **headers: str) -> Handler:
    async def handler(_: web.Request) -> web.Response:
        if isinstance(body, str):
            return web.Response(status=status, headers=headers, text=body)
        return web.json_response(body, status=status, headers=headers)

    return handler


async def refused(handler: Handler) -> ApiError:
    async with served(handler) as cluster:
        with pytest.raises(ApiError) as raised:
            await cluster.create(SERVICE)
    return raised.value


def refuses_version(status: int, message: str, *, exists: bool) -> tuple[Handler, list[str]]:
    """An API server that refuses to create by an apply with a resourceVersion."""
    requests: list[str] = []

    async def handler(request: web.Request) -> web.Response:
        requests.append(request.method)
        if request.method == "PATCH":
            return web.json_response({"message": message}, status=status)
        if request.method == "GET" and not exists:
            return web.json_response({}, status=404)
        assert request.query.get("fieldManager") == "exposedapp" or request.method == "GET"
        return web.json_response(SERVICE)

    return handler, requests


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (409, "the object has been modified"),
        (404, 'services "web" not found'),
        (422, "metadata.resourceVersion: must be unset"),
    ],
)
async def test_an_object_is_created_where_the_version_is_refused(status: int, message: str) -> None:
    handler, requests = refuses_version(status, message, exists=False)
    async with served(handler) as cluster:
        assert await cluster.create(SERVICE) == SERVICE
    assert requests == ["PATCH", "GET", "POST"]


@pytest.mark.parametrize(
    ("status", "exists", "sent"), [(409, True, ["PATCH", "GET"]), (422, False, ["PATCH"])]
)
async def test_what_exists_or_is_invalid_is_not_created(
    status: int, exists: bool, sent: list[str]
) -> None:
    handler, requests = refuses_version(status, "no", exists=exists)
    assert (await refused(handler)).status == status
    assert requests == sent


async def test_a_storm_has_no_more_requests_under_way_than_allowed() -> None:
    under_way = max_under_way = 0

    async def handler(_: web.Request) -> web.Response:
        nonlocal under_way, max_under_way
        under_way += 1
        max_under_way = max(max_under_way, under_way)
        await asyncio.sleep(0.005)
        under_way -= 1
        return web.json_response({})

    async with served(handler, in_flight=3) as cluster:
        await asyncio.gather(*(cluster.create(SERVICE) for _ in range(30)))
    assert max_under_way == 3


async def test_a_body_is_json_unless_it_is_a_patch() -> None:
    """The API server refuses what aiohttp would call bytes: 415 Unsupported Media Type."""
    types: list[str] = []

    async def handler(request: web.Request) -> web.Response:
        types.append(request.headers.get("Content-Type", ""))
        return web.json_response(SERVICE)

    async with served(handler) as cluster:
        await cluster.request("POST", "/api/v1/events", {})
        await cluster.request("GET", "/api/v1/events")
        await cluster.create(SERVICE)
    assert types == ["application/json", "", "application/apply-patch+yaml"]


async def test_the_api_server_says_when_to_come_back() -> None:
    status = {"reason": "TooManyRequests", "message": "too many requests"}
    error = await refused(refuses(429, status, **{"Retry-After": "7"}))
    assert (error.status, error.reason, error.retry_after) == (429, "TooManyRequests", 7.0)
    assert str(error) == "too many requests"


@pytest.mark.parametrize("after", ["", "soon", "-1", "Wed, 21 Oct 2026 07:28:00 GMT"])
async def test_a_time_that_is_no_number_of_seconds_is_no_time(after: str) -> None:
    error = await refused(refuses(503, {}, **{"Retry-After": after}))
    assert error.retry_after is None


@pytest.mark.parametrize("body", ["<html>bad gateway</html>", "[]", ""])
async def test_a_refusal_that_is_no_status(body: str) -> None:
    error = await refused(refuses(502, body))
    assert str(error) == "the API server answered 502"


async def test_a_time_that_is_too_long_is_cut() -> None:
    error = await refused(refuses(503, {}, **{"Retry-After": "86400"}))
    assert error.retry_after == MAX_RETRY_AFTER_SECONDS


@pytest.mark.parametrize("body", ["<html>back soon</html>", '{"metadata": {', "", "[]"])
async def test_a_success_that_is_no_object_is_no_answer(body: str) -> None:
    error = await refused(refuses(200, body))
    assert (error.status, error.reason) == (0, "NoAnswer")
    assert str(error).startswith("unusable response from the API server: ")


async def test_a_server_that_hangs_up() -> None:
    async def handler(request: web.Request) -> web.Response:
        assert request.transport
        request.transport.abort()
        return web.Response()

    error = await refused(handler)
    assert (error.status, error.reason) == (0, "NoAnswer")


@pytest.mark.parametrize(
    ("send", "condition"),
    [
        (lambda cluster: cluster.create(SERVICE), {"resourceVersion": "1"}),
        (lambda cluster: cluster.apply(SERVICE, "u1"), {"uid": "u1"}),
        (lambda cluster: cluster.apply(SERVICE), {}),
    ],
    ids=["create", "apply to this one", "apply"],
)
async def test_only_what_is_known_is_taken_over(
    send: Callable[[KubeClient], Awaitable[Json]], condition: Json
) -> None:
    seen: list[web.Request] = []
    bodies = []

    async def handler(request: web.Request) -> web.Response:
        seen.append(request)
        bodies.append(json.loads(await request.read()))
        return web.json_response({})

    async with served(handler) as cluster:
        await send(cluster)
    (request,), (body,) = seen, bodies
    assert (request.method, request.path) == ("PATCH", "/api/v1/namespaces/shop/services/web")
    assert request.query == {"fieldManager": "exposedapp", "force": "true"}
    assert request.headers["Content-Type"] == "application/apply-patch+yaml"
    assert body["metadata"] == {"namespace": "shop", "name": "web", **condition}


async def test_requests_are_told() -> None:
    observed: list[tuple[str, int]] = []
    async with served(refuses(404, {})) as cluster:
        cluster.transport.observe = lambda method, code, _: observed.append((method, code))
        assert await cluster.get("Service", "shop", "web") is None
        with pytest.raises(ApiError):
            await follow(cluster)
    assert observed == [("GET", 404), ("GET", 404)]


async def test_a_request_without_an_answer_is_told() -> None:
    observed: list[tuple[str, int]] = []

    async def handler(request: web.Request) -> web.Response:
        assert request.transport
        request.transport.abort()
        return web.Response()

    async with served(handler) as cluster:
        cluster.transport.observe = lambda method, code, _: observed.append((method, code))
        with pytest.raises(ApiError):
            await cluster.get("Service", "shop", "web")
    assert observed == [("GET", 0)]


async def test_a_list_comes_page_by_page() -> None:
    queries = []

    async def handler(request: web.Request) -> web.Response:
        queries.append(dict(request.query))
        more = {} if "continue" in request.query else {"continue": "a/b="}
        return web.json_response({"metadata": {"resourceVersion": "5", **more}, "items": []})

    async with served(handler) as cluster:
        pages = [page async for page in cluster.list(NODES)]
    assert len(pages) == 2
    assert queries == [{"limit": "100"}, {"limit": "100", "continue": "a/b="}]


async def test_a_page_that_is_too_large_is_requested_in_smaller_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("exposedapp.kube.client.MAX_PAGE_BYTES", 10_000)
    sizes = [10] * 150 + [4_000] * 4 + [10] * 150
    limits = []

    async def handler(request: web.Request) -> web.Response:
        start, limit = int(request.query.get("continue", "0")), int(request.query["limit"])
        limits.append(limit)
        metadata = {"resourceVersion": "5"}
        if start + limit < len(sizes):
            metadata["continue"] = str(start + limit)
        items = [{"data": "x" * size} for size in sizes[start : start + limit]]
        return web.json_response({"metadata": metadata, "items": items})

    async with served(handler) as cluster:
        pages = [page async for page in cluster.list(NODES)]
    listed = [len(item["data"]) for page in pages for item in page["items"]]
    assert listed == sizes
    assert limits[:7] == [100, 100, 50, 100, 50, 25, 12]
    assert limits[-1] == 100


@pytest.mark.parametrize(("size", "is_listed"), [(90_000, True), (110_000, False)])
async def test_one_object_may_be_larger_than_a_page_but_has_an_end(
    monkeypatch: pytest.MonkeyPatch, size: int, is_listed: bool
) -> None:
    monkeypatch.setattr("exposedapp.kube.client.MAX_PAGE_BYTES", 10_000)
    monkeypatch.setattr("exposedapp.kube.client.MAX_OBJECT_BYTES", 100_000)

    async def handler(_: web.Request) -> web.Response:
        items = [{"data": "x" * size}]
        return web.json_response({"metadata": {"resourceVersion": "5"}, "items": items})

    async with served(handler) as cluster:
        if is_listed:
            assert len([page async for page in cluster.list(NODES)]) == 1
        else:
            with pytest.raises(ApiError, match="an object is larger than 100000 bytes"):
                [page async for page in cluster.list(NODES)]


async def test_a_request_that_its_caller_gives_up_counts_as_one_without_response() -> None:
    async def handler(_: web.Request) -> web.Response:
        await asyncio.sleep(60)
        return web.json_response({})

    observed = []
    async with served(handler) as cluster:
        cluster.transport.observe = lambda method, status, _: observed.append((method, status))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await cluster.request("GET", "/version")
    assert observed == [("GET", 0)]


async def test_a_token_that_cannot_be_read_is_a_request_without_response() -> None:
    async def handler(_: web.Request) -> web.Response:
        return web.json_response({})

    async def refresh(_: object) -> None:
        raise ConfigException("the token's file is empty")

    async with served(handler) as cluster:
        configuration = cluster.transport._connection._configuration
        configuration.api_key["BearerToken"] = "old"
        configuration.refresh_api_key_hook = refresh  # type: ignore[assignment]
        with pytest.raises(ApiError, match="the token's file is empty") as raised:
            await cluster.request("GET", "/version")
    assert raised.value.status == 0


async def test_the_current_version_is_that_of_a_list_of_one() -> None:
    async def handler(request: web.Request) -> web.Response:
        assert request.query == {"limit": "1"}
        return web.json_response({"metadata": {"resourceVersion": "7"}, "items": []})

    async with served(handler) as cluster:
        assert await cluster.current_version(NODES) == "7"


async def test_of_all_services_only_who_has_which_port_is_kept() -> None:
    meta = {"namespace": "shop", "name": "web"}
    spec = {"ports": [{"port": 80, "nodePort": 30080}], "healthCheckNodePort": 30090}
    body = {"metadata": {**meta, "labels": {"a": "b"}}, "spec": {**spec, "type": "LoadBalancer"}}

    async def handler(request: web.Request) -> web.Response:
        assert "labelSelector" not in request.query
        return web.json_response({"metadata": {"resourceVersion": "5"}, "items": [body]})

    async with served(handler) as cluster:
        assert await cluster.services() == [{"metadata": meta, "spec": spec}]


def forbidding(namespace: str) -> Handler:
    """An API server with one Service in each namespace, of which one is forbidden."""

    async def handler(request: web.Request) -> web.Response:
        parts = request.path.split("/")
        where = parts[parts.index("namespaces") + 1] if "namespaces" in parts else ""
        if where == namespace:
            return web.json_response({"message": f"forbidden in {where}"}, status=403)
        body = {"metadata": {"namespace": where, "name": "web"}, "spec": {}}
        listed = {"metadata": {"resourceVersion": "5"}, "items": [body]}
        return web.json_response({**listed, "resources": [{"name": "exposedapps"}]})

    return handler


async def test_services_of_a_namespace_that_is_forbidden_are_left_out() -> None:
    async with served(forbidding("staging")) as cluster:
        services = await cluster.services(Scope(("staging", "shop")))
    assert [service["metadata"]["namespace"] for service in services] == ["shop"]


async def test_services_of_the_whole_cluster_must_not_be_forbidden() -> None:
    async with served(forbidding("")) as cluster:
        with pytest.raises(ApiError, match="forbidden in"):
            await cluster.services()


@pytest.mark.parametrize("namespaces", [("staging", "shop"), ("shop", "staging")])
async def test_apps_are_served_if_one_namespace_can_be_listed(namespaces: tuple[str, ...]) -> None:
    async with served(forbidding("staging")) as cluster:
        assert await cluster.serves_exposedapps(Scope(namespaces))


async def test_apps_that_can_be_listed_nowhere_are_an_error() -> None:
    async with served(forbidding("staging")) as cluster:
        with pytest.raises(ApiError, match="forbidden in staging"):
            await cluster.serves_exposedapps(Scope(("staging",)))


async def test_pods_come_in_pages_that_the_api_server_can_limit() -> None:
    queries = []

    async def handler(request: web.Request) -> web.Response:
        queries.append(dict(request.query))
        token = "next" if "continue" not in request.query else ""
        return web.json_response(
            {"metadata": {"continue": token}, "items": [{"page": len(queries)}]}
        )

    async with served(handler) as cluster:
        assert [page async for page in cluster.pods("shop", "a=b,c=d")] == [
            [{"page": 1}],
            [{"page": 2}],
        ]
    first = {"labelSelector": "a=b,c=d", "limit": str(PAGE_SIZE)}
    assert queries == [first, {**first, "continue": "next"}]


async def test_events_are_read_in_one_request() -> None:
    queries = []

    async def handler(request: web.Request) -> web.Response:
        assert request.path == "/api/v1/namespaces/shop/events"
        queries.append(dict(request.query))
        items = [{"page": len(queries)}] if len(queries) == 1 else None
        return web.json_response({"metadata": {"continue": "next"}, "items": items})

    async with served(handler) as cluster:
        selector = "involvedObject.kind=Pod,involvedObject.uid=1"
        assert await cluster.events("shop", selector) == [{"page": 1}]
        assert await cluster.events("shop", selector) == ()
    assert queries == [{"fieldSelector": selector, "limit": str(PAGE_SIZE)}] * 2


def streams(*lines: bytes) -> Handler:
    async def handler(request: web.Request) -> web.StreamResponse:
        assert request.query["allowWatchBookmarks"] == "true"
        answer = web.StreamResponse()
        await answer.prepare(request)
        for line in lines:
            await answer.write(line)
        return answer

    return handler


async def follow(cluster: KubeClient) -> list[str]:
    return [event["type"] async for event in cluster.watch(NODES, "5", 1)]


async def test_a_watch_comes_event_by_event() -> None:
    large = b'{"type":"ADDED","object":{"data":"' + b"x" * 1_500_000 + b'"}}\n'
    parts = (b'{"type":"ADD', b'ED","object":{}}\n{"type":"DELETED","object":{}}\n', large)
    async with served(streams(*parts)) as cluster:
        assert await follow(cluster) == ["ADDED", "DELETED", "ADDED"]


@pytest.mark.parametrize(
    "lines",
    [
        (b'{"type":"ADDED","obj',),
        (b'{"type":"ADDED","object":{"data":"' + b"x" * 3_000_000 + b'"}}\n',),
        (b"<html>bad gateway</html>\n",),
        (b'{"kind":"Status"}\n',),
        (b"[]\n",),
    ],
    ids=["cut", "too long", "a page", "no event", "no object"],
)
async def test_a_watch_that_breaks_within_an_event_is_a_broken_connection(
    lines: tuple[bytes, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("exposedapp.kube.lines.MAX_LINE_BYTES", 2_000_000)
    async with served(streams(b'{"type":"ADDED","object":{}}\n', *lines)) as cluster:
        events = cluster.watch(NODES, "5", 1)
        assert (await anext(events))["type"] == "ADDED"
        with pytest.raises(ApiError) as raised:
            await anext(events)
    assert (raised.value.status, raised.value.reason) == (0, "NoAnswer")


async def test_an_event_may_be_as_large_as_an_object() -> None:
    large = b'{"type":"ADDED","object":{"data":"' + b"x" * 6_000_000 + b'"}}\n'
    async with served(streams(large, large)) as cluster:
        assert await follow(cluster) == ["ADDED", "ADDED"]


@pytest.mark.parametrize("code", [410, 500])
async def test_an_error_in_a_watch_is_an_error(code: int) -> None:
    line = b'{"type":"ERROR","object":{"code":%d,"message":"no"}}\n' % code
    async with served(streams(line)) as cluster:
        with pytest.raises(ApiError, match="no") as raised:
            await follow(cluster)
    assert raised.value.status == code


async def test_a_watch_that_is_refused() -> None:
    async with served(refuses(403, {"message": "forbidden"})) as cluster:
        with pytest.raises(ApiError, match="forbidden") as raised:
            await follow(cluster)
    assert raised.value.status == 403


async def test_a_watch_that_died_without_a_word_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exposedapp.kube.transport.CONNECT_SECONDS", 0.1)

    async def handler(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        await asyncio.Event().wait()
        return answer

    async with served(handler) as cluster:
        with pytest.raises(ApiError, match=r"no answer from the API server: .*Timeout") as raised:
            await follow(cluster)
    assert raised.value.status == 0


async def test_a_client_for_dry_runs_stores_nothing_whatever_it_sends() -> None:
    sent: list[tuple[str, str | None]] = []

    async def handler(request: web.Request) -> web.Response:
        sent.append((request.method, request.query.get("dryRun")))
        return web.json_response({"items": [], "metadata": {"resourceVersion": "1"}})

    metadata = {"namespace": "shop", "name": "web", "uid": "u", "resourceVersion": "1"}
    live: Json = {"metadata": metadata}
    async with served(handler) as cluster:
        cluster.transport.dry_run = True
        await cluster.create(SERVICE)
        await cluster.apply(SERVICE, "u")
        await cluster.patch_spec(live, "Service", {})
        await cluster.patch_metadata(live, "Service", {})
        await cluster.patch_status("shop", "web", "1", {})
        await cluster.delete(live, "Service")
        await cluster.request("POST", "/api/v1/namespaces/shop/services", SERVICE)
        await cluster.get("Service", "shop", "web")
        await cluster.services()
    writes = [dry_run for method, dry_run in sent if method != "GET"]
    assert writes == ["All"] * 7
    assert [dry_run for method, dry_run in sent if method == "GET"] == [None, None]
