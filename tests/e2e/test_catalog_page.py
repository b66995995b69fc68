# SPDX-License-Identifier: Apache-2.0
"""The catalog's pages in headless Chromium, beside an API server in memory."""

import json
import urllib.request
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from support.browser import (
    DESKTOP,
    PHONE,
    ColorScheme,
    chromium,
    is_marked,
    mark_when_live,
    new_page,
    serious_violations,
)
from support.catalog import failing_app, ready_app, unreachable_app
from support.catalog_thread import CatalogThread

pytestmark = pytest.mark.shares_cluster

PATIENCE_MILLISECONDS = 20_000
MANY = 2500
EVIL = "</p><script>window.isOwned = 1</script><img src=x onerror='window.isOwned = 1'>"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=PATIENCE_MILLISECONDS)
    with chromium() as running:
        yield running


@pytest.fixture
def catalog() -> Iterator[CatalogThread]:
    """A catalog of four apps, one of each state."""
    with CatalogThread() as running:
        scaled = failing_app("batch", "ScaledToZero", "Scaled to zero.")
        for each in (
            ready_app("web"),
            failing_app("api", "ImagePullBackOff", "Pod api-1: not found.", "payments"),
            failing_app("cart", "Progressing", "0 of 2 pods are ready."),
            scaled,
        ):
            running.put(each)
        yield running


@pytest.fixture
def page(browser: Browser, catalog: CatalogThread) -> Iterator[Page]:
    """The list, loaded, live and marked: a reload would lose the mark."""
    with new_page(browser) as opened:
        load(opened, catalog.url)
        expect(opened.locator(".app")).to_have_count(4)
        yield opened


def load(page: Page, url: str) -> None:
    page.goto(url)
    mark_when_live(page)


def test_an_app_appears_fails_heals_and_is_deleted_without_a_reload(
    page: Page, catalog: CatalogThread
) -> None:
    row = page.locator('[data-key="shop/new"]')
    catalog.put(ready_app("new"))
    expect(row).to_have_attribute("data-state", "ready")
    catalog.put(failing_app("new", "CrashLoopBackOff", "exits with code 1"))
    expect(row).to_contain_text("exits with code 1")
    expect(row).to_contain_text("kubectl logs -n shop -l exposedapp.dev/name=new --previous")
    expect(page.locator(".app h2")).to_have_text(["api", "new", "cart", "web", "batch"])
    catalog.put(ready_app("new"))
    expect(page.locator(".app h2")).to_have_text(["api", "cart", "new", "web", "batch"])
    catalog.delete("new")
    expect(row).to_have_count(0)
    assert is_marked(page)


def test_the_page_of_an_app_follows_it(page: Page, catalog: CatalogThread) -> None:
    page.get_by_role("link", name="web", exact=True).click()
    mark_when_live(page)
    links = page.locator(".chain .health")
    expect(links).to_have_text(["works"] * 4)
    catalog.put(unreachable_app("web", "0 of 3 node URLs answer"))
    expect(links).to_have_text(["fails", "works", "unknown", "works"])
    expect(page.locator(".now")).to_contain_text("Check that the app listens on the targetPort")
    catalog.delete("web")
    expect(page.locator("main")).to_contain_text("There is no app of this name")
    catalog.put(ready_app("web"))
    expect(links).to_have_text(["works"] * 4)
    assert is_marked(page)
    page.get_by_role("link", name="All apps").click()
    expect(page.locator(".app")).to_have_count(4)


def test_search_and_filters_by_keyboard_and_kept_in_the_address(page: Page) -> None:
    shown = page.locator(".app:visible h2")
    page.keyboard.press("/")
    page.keyboard.type("imagepull not")
    expect(shown).to_have_text(["api"])
    expect(page.locator("#summary")).to_have_text("1 of 4 apps shown; 1 not ready.")
    page.keyboard.press("Escape")
    expect(shown).to_have_count(4)
    page.get_by_label("Namespace").select_option("shop")
    expect(shown).to_have_text(["cart", "web", "batch"])
    page.locator("input[value=ready]").press("Space")
    expect(shown).to_have_text(["cart", "batch"])
    page.reload()
    expect(shown).to_have_text(["cart", "batch"])
    page.keyboard.press("/")
    page.keyboard.type("nothing like that")
    expect(page.locator("#empty")).to_have_text("No app matches the search and the filters.")


def test_a_change_leaves_the_focus_and_the_filter(page: Page, catalog: CatalogThread) -> None:
    page.get_by_label("Namespace").select_option("shop")
    link = page.locator('[data-key="shop/web"] h2 a')
    link.focus()
    catalog.put(failing_app("web", "Unhealthy", "no"))
    catalog.put(ready_app("other", "payments"))
    expect(page.locator('[data-key="shop/web"]')).to_contain_text("Unhealthy")
    expect(link).to_be_focused()
    expect(page.locator('[data-key="payments/other"]')).to_be_hidden()


def test_an_address_is_copied(page: Page) -> None:
    button = page.get_by_role("button", name="Copy http://172.18.0.2:30080").first
    button.click()
    expect(button).to_have_text("Copied")
    search = page.get_by_label("Search")
    search.focus()
    page.keyboard.press("Control+V")
    expect(search).to_have_value("http://172.18.0.2:30080")


def test_a_lost_connection_is_shown_and_found_again(
    browser: Browser, catalog: CatalogThread
) -> None:
    context = browser.new_context()
    try:
        page = context.new_page()
        load(page, catalog.url)
        catalog.stop_catalog()
        expect(page.locator("#offline")).to_be_visible()
        catalog.start_catalog()
        catalog.put(ready_app("new"))
        expect(page.locator('[data-key="shop/new"]')).to_be_visible()
        expect(page.locator("#offline")).to_be_hidden()
    finally:
        context.close()


def test_what_a_tenant_writes_does_nothing(page: Page, catalog: CatalogThread) -> None:
    app = failing_app("evil", "Unreachable", EVIL)
    app["status"].update(url="javascript:window.isOwned=1", urls=None, clusterURL=None)
    app["spec"]["image"] = EVIL
    catalog.put(app)
    row = page.locator('[data-key="shop/evil"]')
    expect(row).to_contain_text(EVIL)
    expect(row.locator(".addresses a[target]")).to_have_count(0)
    page.goto(f"{catalog.url}/apps/shop/evil")
    expect(page.locator(".now")).to_contain_text(EVIL)
    assert page.evaluate("window.isOwned") is None


def test_an_inline_script_would_not_run(browser: Browser, catalog: CatalogThread) -> None:
    """Even if something were not escaped."""
    context = browser.new_context()
    try:
        page = context.new_page()
        load(page, catalog.url)
        page.evaluate(
            """() => {
              const script = document.createElement("script");
              script.textContent = "window.isOwned = 1";
              document.body.append(script);
            }"""
        )
        assert page.evaluate("window.isOwned") is None
    finally:
        context.close()


@pytest.mark.parametrize("color_scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_axe_has_nothing_serious_and_nothing_is_cut_off(
    browser: Browser, catalog: CatalogThread, color_scheme: ColorScheme, size: tuple[int, int]
) -> None:
    catalog.put(unreachable_app("far", "0 of 3 node URLs answer; " + "x" * 300))
    with new_page(browser, size, color_scheme) as page:
        for path in ("", "apps/shop/web", "apps/shop/far"):
            load(page, f"{catalog.url}/{path}")
            violations = serious_violations(page)
            assert violations == [], json.dumps(violations, indent=1)
            width = page.evaluate("document.documentElement.scrollWidth")
            assert width <= size[0]


def test_everything_is_reached_with_the_tab_key(page: Page) -> None:
    focused = []
    for _ in range(60):
        page.keyboard.press("Tab")
        focused.append(page.evaluate("document.activeElement.textContent.trim()"))
    for text in ("Skip to the content", "api", "Copy", "web", "batch"):
        assert text in focused


def test_2500_apps(browser: Browser, catalog: CatalogThread) -> None:
    for index in range(MANY - 4):
        catalog.put(ready_app(f"app-{index:04}", f"team-{index % 20}", 30000 + index))
    with urllib.request.urlopen(f"{catalog.url}/readyz") as answer:  # noqa: S310 - our own
        assert answer.status == 200
    with new_page(browser) as page:
        load(page, catalog.url)
        expect(page.locator(".app")).to_have_count(MANY)
        loaded = "performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd"
        print(f"{MANY} apps: loaded after {page.evaluate(loaded):.0f} ms")
        page.keyboard.press("/")
        page.keyboard.type("app-1234")
        expect(page.locator(".app:visible")).to_have_count(1)
