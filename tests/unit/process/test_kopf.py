# SPDX-License-Identifier: Apache-2.0
"""What kopf does by itself, seen from outside: the real process, and a server that misbehaves."""

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from itertools import islice
from pathlib import Path

import kopf
import pytest
from aiohttp import web

from exposedapp.handlers import PAGE_SIZE, configure_kopf
from exposedapp.kube.codec import MAX_JSON_DEPTH
from exposedapp.runtime import Periods
from support.http_api_server import Fault, HttpApiServer, refuse, status_body
from support.operator_process import OperatorProcess, until
from support.rbac import allowed, may_get, right_of

APPS = "/apis/exposedapp.dev/v1alpha1/exposedapps"
SHUTDOWN_SECONDS = 4.0
"""Less than the 5 s for which kopf waits for tasks that it calls hung: there are none."""
INTERRUPTED_SCAN_SECONDS = 8.0
"""kopf leaves the requests of its scan behind when it is cancelled, and does wait for these."""


@pytest.fixture
async def server() -> AsyncIterator[HttpApiServer]:
    async with HttpApiServer() as http_api_server:
        yield http_api_server


def once(fault: Fault) -> Fault:
    """The first answer that a fault gives, and then none."""
    done = False

    async def handle(request: web.Request) -> web.StreamResponse | None:
        nonlocal done
        response = None if done else await fault(request)
        done = done or response is not None
        return response

    return handle


def refusing(path: str, code: int, *, query: str = "") -> Fault:
    """Refuse requests to a path that have this word in their query."""

    async def handle(request: web.Request) -> web.StreamResponse | None:
        matches = request.path == path and query in request.query_string
        return refuse(code) if matches else None

    return handle


async def test_an_app_gets_its_url_and_the_end_is_quiet(
    server: HttpApiServer, tmp_path: Path
) -> None:
    server.app("before")
    async with OperatorProcess(server, tmp_path) as operator:
        await until(lambda: server.url_of("before"), "the app that was there has a URL")
        server.app("after")
        await until(lambda: server.url_of("after"), "the app that came has a URL")
        await operator.until_ready()
        assert await operator.terminate() == 0
    assert "Unclosed" not in operator.log
    assert "Traceback" not in operator.log


async def test_a_started_operator_sends_what_its_role_allows(
    server: HttpApiServer, tmp_path: Path
) -> None:
    server.app("web")
    async with OperatorProcess(server, tmp_path) as operator:
        await until(lambda: server.url_of("web"), "the app has a URL")
        await operator.until_ready()
    sent = {right for right, _ in map(right_of, server.requests)}
    paths = {path for verb, path in sent if path.startswith("/")}
    assert all(map(may_get, paths)), paths
    assert {"/api", "/apis", APPS.rpartition("/")[0]} <= paths
    rights = {right for right in sent if not right[1].startswith("/")}
    assert rights <= allowed(), rights - allowed()
    assert ("watch", "exposedapps") in rights


async def test_a_restart_writes_nothing(server: HttpApiServer, tmp_path: Path) -> None:
    for number in range(20):
        server.app(f"app-{number}")
    names = [f"app-{number}" for number in range(20)]
    async with OperatorProcess(server, tmp_path):
        await until(lambda: all(map(server.url_of, names)), "all apps have URLs")
    server.requests.clear()
    async with OperatorProcess(server, tmp_path) as operator:
        await operator.until_ready()
        await asyncio.sleep(1)  # longer than an app takes, which is what would write
    assert {request.method for request in server.requests} == {"GET"}


async def test_refused_discovery_is_waited_for(server: HttpApiServer, tmp_path: Path) -> None:
    server.app("web")
    fault = refusing("/apis", 403)
    server.faults.append(fault)
    async with OperatorProcess(server, tmp_path) as operator:
        await until(lambda: "/apis" in operator.log and "403" in operator.log, "it is logged")
        assert await operator.get("/healthz") == 200
        assert await operator.get("/readyz") == 503
        server.faults.remove(fault)
        await until(lambda: server.url_of("web"), "the app has a URL")
        await operator.until_ready()


@pytest.mark.parametrize(
    ("path", "query"), [("/apis", ""), (APPS, "watch=true")], ids=["discovery", "watch"]
)
async def test_a_right_that_is_missing_is_one_line_and_not_one_for_each_attempt(
    server: HttpApiServer, tmp_path: Path, path: str, query: str
) -> None:
    server.app("web")
    fault = refusing(path, 403, query=query)
    server.faults.append(fault)

    def attempts() -> int:
        return sum(
            request.path == path and query in request.query_string for request in server.requests
        )

    async with OperatorProcess(server, tmp_path) as operator:
        await until(lambda: attempts() >= 4, "kopf has tried again and again")
        [line] = [line for line in operator.log.splitlines() if "Request attempt" in line]
        assert "ERROR" in line
        assert f"GET {server.url}{path}" in line
        assert "403" in line
        server.faults.remove(fault)
        await until(lambda: server.url_of("web"), "the app has a URL")
        await operator.until_ready()


@pytest.mark.parametrize(
    ("fault", "word"),
    [
        (refusing("/apis", 404), "404"),
        (refusing(APPS, 410, query="watch=true"), "410"),
        (refusing(APPS, 400, query=f"limit={PAGE_SIZE}&continue"), "400"),
    ],
    ids=["discovery not found", "watch too old by status", "list refused"],
)
async def test_what_kopf_calls_fatal_ends_the_process_with_one_line(
    server: HttpApiServer, tmp_path: Path, fault: Fault, word: str
) -> None:
    server.page_size = 1
    server.app("one")
    server.app("two")
    server.faults.append(once(fault))
    async with OperatorProcess(server, tmp_path) as operator:
        assert await operator.end() == 1
    [line] = [line for line in operator.log.splitlines() if "CRITICAL" in line]
    assert "The operator ends:" in line
    assert word in line
    assert "Traceback" not in operator.log
    async with OperatorProcess(server, tmp_path) as operator:
        await until(lambda: server.url_of("one") and server.url_of("two"), "the apps have URLs")
        await operator.until_ready()


async def test_an_error_in_the_stream_ends_the_process(
    server: HttpApiServer, tmp_path: Path
) -> None:
    server.app("web")
    async with OperatorProcess(server, tmp_path) as operator:
        await operator.until_ready()
        server.send("exposedapps", {"type": "ERROR", "object": status_body(500, "etcd is odd")})
        assert await operator.end() == 1
    assert "etcd is odd" in operator.log


async def test_a_version_that_is_too_old_is_listed_anew(
    server: HttpApiServer, tmp_path: Path
) -> None:
    """And what was deleted in between is found by a list of our own."""
    server.app("stays")
    server.app("goes")
    async with OperatorProcess(server, tmp_path) as operator:
        await until(lambda: server.url_of("goes"), "the app has a URL")
        await operator.until_ready()
        server.delete("exposedapps", "goes", silently=True)
        server.app("comes")  # is delivered
        server.send("exposedapps", {"type": "ERROR", "object": status_body(410, "too old")})
        await until(lambda: "1 deleted while" in operator.log, "the deletion is found")
        assert operator.is_running
        server.app("later")
        await until(lambda: server.url_of("later"), "events are delivered again")


async def test_an_expired_continue_token_starts_the_process_anew(
    server: HttpApiServer, tmp_path: Path
) -> None:
    server.page_size = 1
    server.app("one")
    server.app("two")
    server.faults.append(once(refusing(APPS, 410, query="continue=")))
    async with OperatorProcess(server, tmp_path) as operator:
        assert await operator.end() == 1
    assert "410" in operator.log


async def test_an_app_that_no_watch_delivers_is_fetched(
    server: HttpApiServer, tmp_path: Path
) -> None:
    async with OperatorProcess(server, tmp_path) as operator:
        await operator.until_ready()
        server.put("exposedapps", server.app("seen") | {}, silently=True)
        server.end_watches("exposedapps")
        await until(lambda: server.url_of("seen"), "the app has a URL")


async def test_a_token_that_is_refused_once_is_no_end(
    server: HttpApiServer, tmp_path: Path
) -> None:
    server.faults.append(once(refusing(APPS, 401, query="watch=true")))
    server.app("web")
    async with OperatorProcess(server, tmp_path) as operator:
        await until(lambda: server.url_of("web"), "the app has a URL")
        server.app("later")
        await until(lambda: server.url_of("later"), "events are delivered")
        assert operator.is_running


async def test_a_maintenance_page_is_waited_for(server: HttpApiServer, tmp_path: Path) -> None:
    async def maintenance_page(_: web.Request) -> web.StreamResponse | None:
        return web.Response(text="<html>back soon</html>", content_type="text/html")

    server.app("web")
    server.faults.append(maintenance_page)
    async with OperatorProcess(server, tmp_path) as operator:
        await until(lambda: "unusable response" in operator.log, "it is logged")
        server.faults.remove(maintenance_page)
        await until(lambda: server.url_of("web"), "the app has a URL")


async def test_a_start_that_fails_ends_the_process_with_one_line(
    server: HttpApiServer, tmp_path: Path
) -> None:
    """kopf would retry it after a minute, beside what the first attempt has opened."""

    async def nothing(_: web.Request) -> web.StreamResponse | None:
        return web.json_response({})

    server.faults.append(nothing)
    async with OperatorProcess(server, tmp_path) as operator:
        assert await operator.end() == 1
    [line] = [line for line in operator.log.splitlines() if "CRITICAL" in line]
    assert "the start failed: KeyError" in line
    assert "Unclosed" not in operator.log
    assert "Traceback" not in operator.log


def test_kopf_neither_kills_the_process_nor_writes() -> None:
    settings = kopf.OperatorSettings()
    configure_kopf(settings, watch_seconds=35)
    assert settings.process.ultimate_exiting_timeout is None
    assert settings.scanning.disabled
    assert not settings.posting.enabled
    assert settings.watching.server_timeout == 35
    assert settings.watching.inactivity_timeout == 45
    assert list(islice(settings.networking.error_backoffs, 1000))  # type: ignore[arg-type]


@pytest.mark.parametrize("state", ["no API server", "no CRD", "discovery refused", "working"])
async def test_sigterm_at_any_moment_closes_what_was_opened(
    server: HttpApiServer, tmp_path: Path, state: str
) -> None:
    async def unanswered(_: web.Request) -> web.StreamResponse | None:
        return refuse(503)

    sign = "/healthz"
    if state == "no API server":
        server.faults.append(unanswered)
    elif state == "no CRD":
        server.has_crd = False
    elif state == "discovery refused":
        server.faults.append(refusing("/apis", 403))
    async with OperatorProcess(server, tmp_path) as operator:
        words = {"no CRD": "not installed", "no API server": "Waiting", "working": ""}
        word = words.get(state, "403")
        async with asyncio.timeout(20):
            while await operator.get(sign) != 200 or word not in operator.log:
                await asyncio.sleep(0.05)
        if state == "working":
            await operator.until_ready()
        # A scraper's connection, which is kept open.
        reader, writer = await asyncio.open_connection("127.0.0.1", operator.metrics_port)
        writer.write(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await reader.readline()
        is_scanning = state == "discovery refused"
        async with asyncio.timeout(INTERRUPTED_SCAN_SECONDS if is_scanning else SHUTDOWN_SECONDS):
            assert await operator.terminate() == 0
        writer.close()
    assert "Unclosed" not in operator.log
    assert "never awaited" not in operator.log
    assert "Traceback" not in operator.log


async def test_a_port_that_is_taken_ends_the_process_with_one_line(
    server: HttpApiServer, tmp_path: Path
) -> None:
    operator = OperatorProcess(server, tmp_path)
    taken = await asyncio.start_server(lambda *_: None, None, operator.health_port)
    async with taken, operator:
        assert await operator.end() == 1
    assert "Traceback" not in operator.log
    assert str(operator.health_port) in operator.log


async def test_a_cluster_without_apps_is_ready(server: HttpApiServer, tmp_path: Path) -> None:
    """Its list of metadata has null where other lists have an empty array."""
    async with OperatorProcess(server, tmp_path) as operator:
        await operator.until_ready()
        assert await operator.terminate() == 0


@pytest.fixture
def deep_recursion() -> Iterator[None]:
    """The server copies and writes deep objects."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(MAX_JSON_DEPTH)
    yield
    sys.setrecursionlimit(limit)


@pytest.mark.usefixtures("deep_recursion")
async def test_one_app_never_stops_the_others(server: HttpApiServer, tmp_path: Path) -> None:
    """Each of these was once the end of the watch, also after a restart."""
    deep: dict[str, object] = {"huge": 10**20}
    for _ in range(1_100):
        deep = {"a": deep}
    server.app("listed", podTemplate={"spec": {"deep": deep}})
    server.app("bystander")
    async with OperatorProcess(server, tmp_path) as operator:
        await until(lambda: server.url_of("bystander"), "the app beside it has a URL")
        server.app("watched", podTemplate={"spec": {"large": "x" * 1_000_000}})
        server.app("after")
        await until(lambda: server.url_of("after"), "an app that came later has a URL")
        await until(lambda: server.ready_reason("watched"), "the large app has a status")
        reasons = [server.ready_reason(name) for name in ("listed", "watched")]
        assert reasons == ["InvalidSpec"] * 2
        await operator.until_ready()


def renewals(server: HttpApiServer) -> int:
    return sum(
        request.method == "PUT" and "/leases/" in request.path for request in server.requests
    )


@pytest.mark.parametrize("is_renewed", [False, True])
async def test_an_etcd_restore_ends_the_process_and_the_next_one_is_right(
    server: HttpApiServer, tmp_path: Path, is_renewed: bool
) -> None:
    """A watch from a revision that is in the future since then is silent, and no error.

    The Lease, too, is older than it was, if it was renewed since the backup.
    """
    server.app("kept")
    async with OperatorProcess(server, tmp_path, periods=Periods(watch_seconds=2)) as operator:
        await until(lambda: server.url_of("kept"), "the app has a URL")
        backup = server.backup()
        server.skip_revisions(100_000)
        server.app("lost")
        await until(lambda: server.url_of("lost"), "the app has a URL")
        if is_renewed:
            before = renewals(server)
            await until(lambda: renewals(server) > before, "the Lease is renewed")
        server.restore(backup)
        assert await operator.end() == 1
    [line] = [line for line in operator.log.splitlines() if "CRITICAL" in line]
    assert "HistoryRewrittenError" in line
    assert "Traceback" not in operator.log
    server.requests.clear()
    async with OperatorProcess(server, tmp_path) as operator:
        await operator.until_ready()
        server.app("later")
        await until(lambda: server.url_of("later"), "events are delivered")
    assert server.url_of("kept")
    assert server.get("services", "lost") is None
