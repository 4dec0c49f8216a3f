"""Debian's Chromium, without a window; where it is missing, tests skip with a word."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Ends with its module: while Playwright lives, `asyncio.run` fails in its thread."""
    if not CHROMIUM:
        pytest.skip("Chromium is not installed: apt-get install chromium.")
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=15_000)  # the machine runs the rest of the suite as well
    with sync_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-dev-shm-usage"]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        yield browser
        browser.close()
