# SPDX-License-Identifier: Apache-2.0
"""The catalog's process beside an API server in memory: pages, events, bytes, requests."""

import asyncio
import signal
from contextlib import AsyncExitStack
from html.parser import HTMLParser
from pathlib import Path

import pytest

from exposedapp.api.conditions import EXPLANATIONS, Reason
from exposedapp.kube.client import PAGE_SIZE
from support.catalog import Catalog, failing_app, ready_app, set_condition, unreachable_app
from support.http_api_server import HttpApiServer
from support.operator_process import until

PATH = "/apis/exposedapp.dev/v1alpha1/exposedapps"
MANY = 2500
MAX_PAGE_BYTES = 3_000_000
MAX_COMPRESSED_BYTES = 250_000
MAX_RSS_KIB = 100 * 1024
EVIL = "</p><script>alert(1)</script><img src=x onerror=alert(1)>\"'`"


class Elements(HTMLParser):
    """The tags of a page with their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def values(self, attribute: str) -> list[str]:
        """Of one attribute, in all tags."""
        return [
            attributes[attribute] or "" for _, attributes in self.tags if attribute in attributes
        ]


async def test_the_list_has_what_a_person_needs(server: HttpApiServer, catalog: Catalog) -> None:
    server.put("exposedapps", ready_app("web"))
    server.put("exposedapps", failing_app("api", "ImagePullBackOff", "Pod api-1: not found."))
    await catalog.until_shown("web")
    page = await catalog.until_shown("Pod api-1: not found.")
    assert page.index('data-key="shop/api"') < page.index('data-key="shop/web"')
    assert EXPLANATIONS[Reason.IMAGE_PULL].remedy in page
    assert '<a href="http://172.18.0.2:30080" target="_blank" rel="noopener noreferrer">' in page
    assert 'data-copy="http://172.18.0.2:30080"' in page
    assert "30080 → 80/TCP" in page
    assert "0/2" in page


async def test_the_page_of_an_app(server: HttpApiServer, catalog: Catalog) -> None:
    server.put("exposedapps", unreachable_app("web", "0 of 3 node URLs answer"))
    await catalog.until_shown("0 of 3 node URLs answer")
    page = await catalog.get("/apps/shop/web")
    for text in (
        "link fails",
        "link unknown",
        "link works",
        "http://web.shop.svc:80",
        "Conditions",
    ):
        assert text in page
    assert "There is no app of this name" in await catalog.get("/apps/shop/other", status=404)


async def test_changes_arrive_without_a_reload(server: HttpApiServer, catalog: Catalog) -> None:
    page = await catalog.get("/")
    [since] = Elements(page).values("data-since")
    async with catalog.events(f"/events?since={since}") as events:
        assert await anext(events) == ("live", None)
        server.put("exposedapps", ready_app("web"))
        name, change = await anext(events)
        assert (name, change["deleted"], change["rows"][0]["key"]) == ("apps", [], "shop/web")
        assert 'data-state="ready"' in change["rows"][0]["html"]
        assert (await anext(events))[0] == "seen"
        server.put("exposedapps", failing_app("web", "CrashLoopBackOff", "exits with code 1"))
        _, change = await anext(events)
        assert 'data-state="not-ready"' in change["rows"][0]["html"]
        assert (await anext(events))[0] == "seen"
        server.delete("exposedapps", "web")
        assert await anext(events) == ("apps", {"rows": [], "deleted": ["shop/web"]})


async def test_an_app_page_hears_of_its_app_alone(server: HttpApiServer, catalog: Catalog) -> None:
    page = await catalog.get("/apps/shop/web", status=404)
    [since] = Elements(page).values("data-since")
    async with catalog.events(f"/apps/shop/web/events?since={since}") as events:
        assert await anext(events) == ("live", None)
        server.put("exposedapps", ready_app("other"))
        assert (await anext(events))[0] == "seen"
        server.put("exposedapps", ready_app("web"))
        name, change = await anext(events)
        assert name == "app"
        assert "The way to its pods" in change["html"]
        assert (await anext(events))[0] == "seen"
        server.delete("exposedapps", "web")
        assert "There is no app of this name" in (await anext(events))[1]["html"]


@pytest.mark.parametrize("since", ["", "other-5", "nonsense", "-"])
async def test_a_browser_of_another_process_loads_the_page_again(
    catalog: Catalog, since: str
) -> None:
    async with catalog.events(f"/events?since={since}") as events:
        assert [name async for name, _ in events] == ["live", "reload"]


async def test_tenants_cannot_write_html_nor_links(server: HttpApiServer, catalog: Catalog) -> None:
    app = failing_app("web", "Unreachable", EVIL)
    app["spec"]["image"] = EVIL
    app["status"]["url"] = "javascript:alert(1)"
    app["status"]["urls"] = ["javascript://a.example/%0aalert(2)", f"http://a.example/{EVIL}"]
    app["status"]["clusterURL"] = "data:text/html,x"
    app["status"]["ports"][0]["name"] = EVIL
    set_condition(app, "ServiceReady", "False", EVIL, EVIL)
    server.put("exposedapps", app)
    page = await catalog.until_shown("javascript:alert(1)")
    for text in (page, await catalog.get("/apps/shop/web")):
        elements = Elements(text)
        assert [tag for tag, _ in elements.tags if tag in ("img", "iframe", "object")] == []
        [script] = [attributes for tag, attributes in elements.tags if tag == "script"]
        assert (script["src"] or "").endswith(".js")
        assert not [name for _, each in elements.tags for name in each if name.startswith("on")]
        assert not [url for url in elements.values("href") if url.startswith(("java", "data"))]
        assert "&lt;script&gt;alert(1)" in text


async def test_nothing_comes_from_elsewhere(server: HttpApiServer, catalog: Catalog) -> None:
    server.put("exposedapps", ready_app("web"))
    await catalog.until_shown("shop/web")
    for path in ("/", "/apps/shop/web", "/apps/shop/none", "/static/live.js", "/events", "/no"):
        response = await catalog.response(path)
        policy = response.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
        assert "unsafe" not in policy
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Referrer-Policy"] == "no-referrer"
    for path, root in (("/", ""), ("/apps/shop/web", "../../")):
        elements = Elements(await catalog.get(path))
        loaded = elements.values("src") + [
            attributes["href"] or "" for tag, attributes in elements.tags if tag == "link"
        ]
        assert loaded
        assert all(url.startswith(f"{root}static/") for url in loaded)


async def test_env_and_the_like_are_not_shown(server: HttpApiServer, catalog: Catalog) -> None:
    app = ready_app("web")
    app["spec"]["env"] = [{"name": "PASSWORD", "value": "hunter2"}]
    app["spec"]["podTemplate"] = {"metadata": {"annotations": {"token": "hunter2"}}}
    server.put("exposedapps", app)
    assert "hunter2" not in await catalog.until_shown("shop/web")
    assert "hunter2" not in await catalog.get("/apps/shop/web")


async def test_2500_apps_by_one_list_and_one_watch(server: HttpApiServer, tmp_path: Path) -> None:
    for index in range(MANY):
        server.put("exposedapps", ready_app(f"app-{index:04}", f"team-{index % 20}", 30000 + index))
    async with Catalog(server, tmp_path) as catalog, AsyncExitStack() as stack:
        page = await catalog.until_shown(f"app-{MANY - 1:04}")
        await until(lambda: server.is_watched("exposedapps"), "everything is listed")
        page = await catalog.get("/")
        assert page.count('<li class="app ') == MANY
        assert len(page.encode()) < MAX_PAGE_BYTES
        assert await catalog.compressed_bytes("/") < MAX_COMPRESSED_BYTES
        [since] = Elements(page).values("data-since")
        for _ in range(20):
            events = await stack.enter_async_context(catalog.events(f"/events?since={since}"))
            assert await anext(events) == ("live", None)
        assert len([each for each in server.requests if "watch" in each.query]) == 1
        assert len(server.requests) == MANY / PAGE_SIZE + 1
        assert {each.path for each in server.requests} == {PATH}
        assert {each.method for each in server.requests} == {"GET"}
        assert max_rss_kib(catalog) < MAX_RSS_KIB


async def test_one_change_is_one_row(server: HttpApiServer, catalog: Catalog) -> None:
    """However many apps there are."""
    for index in range(50):
        server.put("exposedapps", ready_app(f"app-{index}"))
    page = await catalog.until_shown("app-49")
    [since] = Elements(page).values("data-since")
    async with catalog.events(f"/events?since={since}") as events:
        assert await anext(events) == ("live", None)
        server.put("exposedapps", failing_app("app-7", "Unhealthy", "no"))
        _, change = await anext(events)
        assert [row["key"] for row in change["rows"]] == ["shop/app-7"]


async def test_an_interrupted_watch_loses_nothing(server: HttpApiServer, catalog: Catalog) -> None:
    server.put("exposedapps", ready_app("web"))
    server.put("exposedapps", ready_app("api"))
    await catalog.until_shown("shop/api")
    server.delete("exposedapps", "web", silently=True)
    server.send("exposedapps", {"type": "ERROR", "object": {"code": 410, "message": "too old"}})
    async with asyncio.timeout(20):
        while "shop/web" in await catalog.get("/"):
            await asyncio.sleep(0.05)


async def test_it_ends_at_sigterm(catalog: Catalog) -> None:
    catalog.process.send_signal(signal.SIGTERM)
    await until(lambda: catalog.process.returncode is not None, "the process has ended")
    assert catalog.process.returncode == 0


def max_rss_kib(catalog: Catalog) -> int:
    """The largest memory that the process has had."""
    status = Path(f"/proc/{catalog.process.pid}/status").read_text()
    [line] = [line for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(line.split()[1])
