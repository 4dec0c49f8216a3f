"""Every page in Chromium: light and dark, wide and narrow, and open to everybody.

`LOOKS_TO=FOLDER pytest tests/web/test_looks.py -n0` also leaves a picture of each.
"""

from __future__ import annotations

import dataclasses
import os
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Browser, ConsoleMessage, Page
from werkzeug.serving import make_server

from portal.app import create_app
from portal.services import accounts, sessions
from portal.services.actor import Actor
from portal.store.models import Person, SetupLink
from tests.web.pages import addresses, furnish

pytestmark = [pytest.mark.xdist_group("chromium"), pytest.mark.timeout(300)]

AXE = (Path(__file__).parents[1] / "vendor" / "axe.min.js").read_text()
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"]}
LONG = (
    "Re: Fwd: [EXTERNAL] Ihre Donaudampfschifffahrtsgesellschaftskapitäns"
    "prüfungsanmeldebestätigung und die Rechnung 2026-11-4711, bitte freigeben"
)
WIDTHS = (1440, 360)
THEMES = ("light", "dark")
NO_PAGES = ("csv", "json", "eml", "frame", "rows", "now", "hint", "host", "providers")


@pytest.fixture
def served(installation) -> Iterator[tuple[Flask, str]]:
    """The application on a port of loopback, as a browser needs it."""
    app = create_app(
        installation=dataclasses.replace(installation, sandbox_port=lambda: 24_680)
    )
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield app, f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()


def look(page: Page, path: str) -> list[str]:
    """What is wrong with this page as it stands, one line each."""
    page.goto(path)
    return examine(page)


def examine(page: Page) -> list[str]:
    path = page.url.partition("/t/")[2] or page.url
    page.evaluate(AXE)
    found = page.evaluate("rules => axe.run(document, rules)", RULES)["violations"]
    wrong = [
        f"{path}: {each['id']} at {node['html'][:120]}"
        for each in found
        for node in each["nodes"]
    ]
    wide = page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    return [*wrong, *([f"{path}: scrolls sideways by {wide} px"] if wide > 0 else [])]


def window(browser: Browser, url: str, theme: str, width: int) -> tuple[Page, list]:
    """A page whose console complaints are collected."""
    context = browser.new_context(
        base_url=url,
        color_scheme=theme,
        viewport={"width": width, "height": 900},
        reduced_motion="reduce",
    )
    complaints: list[str] = []

    def hears(message: ConsoleMessage) -> None:
        # A page that is not there is an answer 404, and Chromium tells of it.
        if message.type in ("error", "warning") and "404" not in message.text:
            complaints.append(message.text)

    page = context.new_page()
    page.on("console", hears)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    return page, complaints


def sign_in(page: Page, url: str, actor: Actor) -> None:
    person = Person.get_by_id(actor.person.id if actor.person else 0)
    token = sessions.begin(actor.installation, person, ip=None, user_agent="").token
    page.context.add_cookies([{"name": "portal", "value": token, "url": url}])


def keep_picture(page: Page, path: str, theme: str, width: int) -> None:
    if folder := os.environ.get("LOOKS_TO"):
        words = re.sub(r"[A-Za-z0-9_-]{22,}", "one", path).lower()
        name = re.sub(r"[^a-z0-9]+", "-", words).strip("-") or "home"
        picture = Path(folder) / f"{name}-{width}-{theme}.png"
        page.screenshot(path=picture, full_page=True, caret="initial")


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("theme", THEMES)
def test_the_pages_of_a_tenant(browser, served, make, owner, theme, width):
    """No finding of axe, nothing beside the window, no word on the console."""
    app, url = served
    world = furnish(make, owner, subject=LONG)
    page, complaints = window(browser, url, theme, width)
    sign_in(page, url, owner)
    paths = [p for p in addresses(app, world.ids) if not p.endswith(NO_PAGES)]

    wrong = []
    for path in paths:
        wrong += look(page, path)
        keep_picture(page, path, theme, width)
    page.context.close()

    assert wrong == []
    assert complaints == []
    assert len(paths) > 12


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("theme", THEMES)
def test_a_tenant_in_which_nothing_happened(browser, served, owner, theme, width):
    """Each page says what would stand there; the sandbox captures what is sent."""
    _app, url = served
    page, complaints = window(browser, url, theme, width)
    sign_in(page, url, owner)
    nothing = "messages?q=x&status=failed"
    paths = ("", "messages", nothing, "sandbox", "audit?event=none", "keys")

    wrong = []
    for path in paths:
        wrong += look(page, f"/t/acme-inc/{path}")
        keep_picture(page, f"new/{path}", theme, width)
    page.get_by_label("Name of a new key").fill("ops")
    page.get_by_role("button", name="Make a key").click()
    page.get_by_role("button", name="Copy the key").wait_for()
    wrong += examine(page)
    keep_picture(page, "new/key-made", theme, width)
    page.context.close()

    assert wrong == []
    assert complaints == []


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("theme", THEMES)
def test_the_pages_before_the_door(browser, served, installation, theme, width):
    """Set-up, sign-in, a used link and a page that is not there."""
    _app, url = served
    link = f"/set-up/{accounts.make_setup_link(installation)}"
    page, complaints = window(browser, url, theme, width)

    wrong = []
    for path in ("/sign-in", link, "/nowhere"):
        wrong += look(page, path)
        keep_picture(page, path, theme, width)
    SetupLink.update(used_at=1).execute()
    wrong += look(page, link)
    page.context.close()

    assert wrong == []
    assert [text for text in complaints if "410" not in text] == []
