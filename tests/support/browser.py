# SPDX-License-Identifier: Apache-2.0
"""Headless Chromium (tests/kind/chromium.sh), for the tests and the screenshots of the catalog."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

ColorScheme = Literal["light", "dark"]

DESKTOP = (1280, 800)
PHONE = (390, 844)

SERIOUS = {"serious", "critical"}


@contextmanager
def chromium() -> Iterator[Browser]:
    """The Chromium in PATH."""
    program = shutil.which("chromium")
    assert program, "no chromium in PATH: run tests/kind/chromium.sh"
    # As root Chromium has no sandbox, and only pages of this tree are loaded.
    flags = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=flags)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def new_page(
    browser: Browser, size: tuple[int, int] = DESKTOP, color_scheme: ColorScheme = "light"
) -> Iterator[Page]:
    """A page; what it logs to the console, such as a violation of its policy, fails the caller."""
    width, height = size
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=color_scheme
    )
    page = context.new_page()
    errors: list[str] = []
    page.on("console", lambda message: errors.append(message.text))
    page.on("pageerror", lambda error: errors.append(str(error)))
    try:
        yield page
        assert errors == []
    finally:
        context.close()


def mark_when_live(page: Page) -> None:
    """Wait until a page of the catalog follows its events, and mark it; see is_marked()."""
    page.locator("body[data-live=true]").wait_for()
    page.evaluate("window.isMarked = true")


def is_marked(page: Page) -> bool:
    """Whether it is the page that was marked: a reload loses the mark."""
    return page.evaluate("window.isMarked") is True


def serious_violations(page: Page) -> list[dict[str, Any]]:
    """What axe finds serious or critical in a page."""
    violations = Axe().run(page).response["violations"]
    return [violation for violation in violations if violation["impact"] in SERIOUS]
