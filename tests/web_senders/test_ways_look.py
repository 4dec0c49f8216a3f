"""Each way to sign in as the form asks for it, in Chromium."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.web_senders.conftest import BASE, NEW
from tests.web_senders.windows import NewPage, looks_well

pytestmark = [pytest.mark.xdist_group("chromium"), pytest.mark.timeout(300)]


@pytest.mark.parametrize(
    ("way", "shown", "hidden"),
    [
        ("password", "#password", "#client_id"),
        ("oauth2", "#client_id", "#password"),
        ("client_cert", "#client_cert_file", "#password"),
        ("none", "#ip-0", "#username"),
    ],
)
@pytest.mark.parametrize("javascript", [True, False], ids=["htmx", "plain forms"])
def test_a_way_shows_its_own_fields_alone(
    new_page: NewPage, way: str, shown: str, hidden: str, javascript: bool
):
    """The choice needs no script, and nothing of another way is asked for."""
    page = new_page(javascript=javascript)
    page.goto(NEW)

    page.locator(f"input[name=auth][value={way}]").check(force=True)

    expect(page.locator(shown)).to_be_visible()
    expect(page.locator(hidden)).to_be_hidden()


def test_each_way_looks_well(new_page: NewPage):
    """And each grant, a certificate with a password, the key that signs."""
    page = new_page()
    page.goto(NEW)
    for summary in page.locator("#form summary").all():
        summary.evaluate("each => each.parentElement.open = true")
    page.locator("input[name=signing][value=own]").check(force=True)

    for way in ("api_key", "oauth2", "client_cert", "none"):
        page.locator(f"input[name=auth][value={way}]").check(force=True)
        looks_well(page, f"way-{way}")
    page.locator("input[name=auth][value=oauth2]").check(force=True)
    for grant in ("refresh_token", "jwt_bearer"):
        page.locator(f"input[name=grant][value={grant}]").check(force=True)
        looks_well(page, f"way-{grant}")
    page.goto(f"{BASE}/new/microsoft365")
    looks_well(page, "way-microsoft")
