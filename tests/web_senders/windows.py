"""A window of Chromium on the sender pages, and what all of them must look like.

`LOOKS_TO=FOLDER pytest tests/web_senders -k looks -n0` leaves pictures.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect

from portal.services import sessions
from portal.services.actor import Actor
from portal.store.models import Person
from tests.web_senders.live import serving

AXE = (Path(__file__).parents[1] / "vendor" / "axe.min.js").read_text()
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"]}
LOOKS = [(width, theme) for width in (1440, 360) for theme in ("light", "dark")]
NewPage = Callable[..., Page]


@pytest.fixture
def new_page(browser: Browser, installation, owner: Actor) -> Iterator[NewPage]:
    """A window of the owner's. Whatever its console complains of fails the test."""
    complaints: list[str] = []
    urls: list[str] = []

    def hears(message: ConsoleMessage) -> None:
        # A refused form is an answer 422, and Chromium tells of it. What a page of
        # the provider's lacks is not ours.
        ours = message.location.get("url", "").startswith(urls[0])
        told = message.type in ("error", "warning") and "422" not in message.text
        if ours and told:
            complaints.append(message.text)

    with ExitStack() as stack:
        url = stack.enter_context(serving(installation))
        urls.append(url)

        def open_page(*, javascript: bool = True, width: int = 1440) -> Page:
            context = browser.new_context(
                base_url=url,
                java_script_enabled=javascript,
                viewport={"width": width, "height": 900},
                reduced_motion="reduce",
                ignore_https_errors=True,  # the provider's page is of our authority
            )
            stack.callback(context.close)
            context.set_default_timeout(15_000)
            row = Person.get_by_id(owner.person.id)
            token = sessions.begin(owner.installation, row, ip=None, user_agent="")
            context.add_cookies([{"name": "portal", "value": token.token, "url": url}])
            page = context.new_page()
            page.on("console", hears)
            page.on("pageerror", lambda error: complaints.append(str(error)))
            return page

        yield open_page
    assert complaints == [], complaints


def end_of_test(page: Page) -> None:
    """Until no page and no fragment asks again. Rungs first: before its first test a
    page is at rest as well."""
    expect(page.locator("#ladder .ladder > li")).not_to_have_count(0)
    expect(page.locator("#ladder #send-test")).to_be_visible()
    expect(page.locator("#ladder [id^=poll-]")).to_have_count(0)


def looks_well(page: Page, name: str) -> None:
    """No finding of axe and nothing beside the window, wide and narrow, in both
    themes. A page of its own: axe leaves attributes behind that htmx would copy."""
    wrong = []
    before = page.viewport_size
    for width, theme in LOOKS:
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=theme)
        page.evaluate(AXE)
        found = page.evaluate("rules => axe.run(document, rules)", RULES)["violations"]
        wrong += [
            f"{name} {width} {theme}: {each['id']} at {node['html'][:120]}"
            for each in found
            for node in each["nodes"]
        ]
        wide = page.evaluate(
            "document.documentElement.scrollWidth"
            " - document.documentElement.clientWidth"
        )
        wrong += [f"{name} {width}: sideways by {wide} px"] if wide > 0 else []
        if folder := os.environ.get("LOOKS_TO"):
            picture = Path(folder) / f"{name}-{width}-{theme}.png"
            page.screenshot(path=picture, full_page=True)
    page.set_viewport_size(before)
    assert wrong == [], wrong
