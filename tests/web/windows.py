"""A real browser before a real port: what is wrong with a page as it stands."""

from __future__ import annotations

import os
import re
from pathlib import Path

from playwright.sync_api import Browser, ConsoleMessage, Page

from portal.services import sessions
from portal.services.actor import Actor
from portal.store.models import Person

AXE = (Path(__file__).parents[1] / "vendor" / "axe.min.js").read_text()
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"]}


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
