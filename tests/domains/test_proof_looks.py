"""A received mail in Chromium: pasted, answered, taken over; and how it looks."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.domains.mails import SHOP, mail
from tests.web_senders.windows import NewPage, looks_well, new_page

__all__ = ["new_page"]  # a fixture

pytestmark = [pytest.mark.xdist_group("chromium"), pytest.mark.timeout(300)]


@pytest.fixture
def tab(dns, shop):
    dns.publish(SHOP)
    return f"/t/acme-inc/senders/{shop()}/deliverability"


def test_a_mail_is_pasted_and_taken_over(new_page: NewPage, tab: str):
    page = new_page()
    page.goto(tab)

    page.get_by_label("Source of the received mail").fill(mail().decode())
    page.get_by_role("button", name="Read it").click()
    expect(page.get_by_text("This mail passes DMARC for shop.example")).to_be_visible()
    expect(page.locator("#proof-answer")).to_be_focused()
    page.locator("#proof summary").click()
    looks_well(page, "proof")
    page.get_by_role("button", name="Check these from now on").click()

    expect(page.get_by_text("Version 2 looks for")).to_be_visible()


def test_what_is_no_mail_leads_back_to_the_field(new_page: NewPage, tab: str):
    page = new_page()
    page.goto(tab)
    source = page.get_by_label("Source of the received mail")

    source.fill("Hello.")
    page.get_by_role("button", name="Read it").click()

    expect(source).to_have_attribute("aria-invalid", "true")
    expect(source).to_be_focused()


def test_a_file_is_read_without_a_script(new_page: NewPage, tab: str):
    page = new_page(javascript=False)
    page.goto(tab)

    page.get_by_label("Or its file").set_input_files(
        {"name": "mail.eml", "mimeType": "message/rfc822", "buffer": mail()}
    )
    page.get_by_role("button", name="Read it").click()

    expect(page.get_by_text("Signature verified")).to_be_visible()
    expect(page.locator("#proof-answer")).to_be_focused()
