"""Explain an error and the causes in Chromium, without and with an answer."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.web.windows import examine, keep_picture, look, sign_in, window

pytestmark = [pytest.mark.xdist_group("chromium"), pytest.mark.timeout(180)]

SAID = (
    "550 5.7.26 Your email has been blocked because the sender is unauthenticated. "
    "Authentication results: DKIM = did not pass SPF "
    "[mail.donaudampfschifffahrtsgesellschaft.example] with ip: [203.0.113.40] = did"
    " not pass"
)


@pytest.mark.parametrize("width", (1440, 360))
@pytest.mark.parametrize("theme", ("light", "dark"))
def test_an_answer_stands_beside_what_was_pasted(browser, served, viewer, theme, width):
    _app, url = served
    page, complaints = window(browser, url, theme, width)
    sign_in(page, url, viewer)

    page.goto("/explain?in=acme-inc")
    page.get_by_label("Reply or error").fill(SAID)
    page.get_by_role("button", name="Explain").click()
    expect(page.get_by_text("Read from")).to_be_visible()
    expect(page.get_by_label("Reply or error")).to_have_value(SAID)
    wrong = examine(page)
    keep_picture(page, "explain/answer", theme, width)
    page.get_by_role("definition").locator("a[href^='/causes/']").first.click()
    expect(page.get_by_role("heading", name="What it means")).to_be_visible()
    wrong += examine(page)
    keep_picture(page, "causes/of-the-answer", theme, width)
    wrong += look(page, "/causes/auth_bad_credentials?in=acme-inc")
    keep_picture(page, "causes/one", theme, width)
    page.context.close()

    assert wrong == []
    assert complaints == []
