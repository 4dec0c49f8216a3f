"""A hand-over from the form to the other person's thanks, in Chromium."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from portal.store.models import SenderVersion
from tests.web_senders.conftest import BASE, NEW
from tests.web_senders.windows import NewPage, looks_well

pytestmark = [pytest.mark.xdist_group("chromium"), pytest.mark.timeout(300)]


def hand_over(page: Page) -> str:
    """Save a sender without its credentials, and make a link: its address."""
    page.goto(NEW)
    page.locator("#form [name=name]").fill("Harbour Pass")
    page.locator("#form [name=host]").fill("smtp.harbour.example")
    page.locator("#form [name=from_address]").fill("no-reply@harbour.example")
    page.get_by_role("button", name="Save and hand over").click()
    page.get_by_role("button", name="Make a link").click()
    return page.locator("#fresh-link").inner_text()


@pytest.mark.parametrize("javascript", [True, False], ids=["htmx", "plain forms"])
def test_credentials_come_from_somebody_without_an_account(
    new_page: NewPage, javascript: bool
):
    page = new_page(javascript=javascript)
    address = hand_over(page)
    page.context.clear_cookies()

    page.goto(address)
    page.get_by_label("User name").fill("portal")
    page.get_by_label("Password").fill("Given-once-1")
    page.get_by_role("button", name="Hand it over").click()

    expect(page.get_by_text("It is sealed and stored")).to_be_visible()
    version = SenderVersion.select().order_by(SenderVersion.id.desc()).first()
    assert (version.number, version.settings["username"]) == (2, "portal")


def test_each_page_of_a_hand_over_looks_well(new_page: NewPage):
    page = new_page()
    address = hand_over(page)
    looks_well(page, "hand-over")
    page.goto(page.url.replace("/hand-over", "/guide"))
    looks_well(page, "hand-over-guide-own")
    page.goto(f"{BASE}/new/google_workspace_relay")
    page.locator("#form [name=from_address]").fill("no-reply@harbour.example")
    page.get_by_role("button", name="Save and hand over").click()
    expect(page.get_by_role("button", name="Make a link")).to_be_visible()
    looks_well(page, "hand-over-relay")
    page.emulate_media(media="print")
    expect(page.locator("#links")).to_be_hidden()
    expect(page.get_by_role("button", name="Print")).to_be_hidden()
    page.emulate_media(media="screen")
    page.get_by_role("link", name="Guide").click()
    expect(page.get_by_role("link", name="Hand these steps over")).to_be_visible()
    looks_well(page, "hand-over-guide")

    page.context.clear_cookies()
    page.goto(address)
    looks_well(page, "hand-over-link")
    page.get_by_label("User name").fill("portal")
    page.get_by_role("button", name="Hand it over").click()
    expect(page.get_by_text("This is missing.")).to_be_visible()
    looks_well(page, "hand-over-link-refused")
    page.get_by_label("Password").fill("Given-once-1")
    page.get_by_role("button", name="Hand it over").click()
    expect(page.get_by_text("It is sealed and stored")).to_be_visible()
    looks_well(page, "hand-over-done")
