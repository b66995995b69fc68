# SPDX-License-Identifier: Apache-2.0
"""Headless Chromium (tests/kind/chromium.sh), for the tests and the screenshots of the catalog."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from playwright.sync_api import Browser, Page, sync_playwright

ColorScheme = Literal["light", "dark"]

DESKTOP = (1280, 800)
PHONE = (390, 844)


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
