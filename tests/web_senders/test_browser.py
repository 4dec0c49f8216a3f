"""The sender pages in Chromium: where → form → a failing test → repaired → in use."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.relays.certificates import Authority
from tests.relays.sink import Sink
from tests.web_senders.conftest import BASE, SECRET
from tests.web_senders.windows import NewPage, end_of_test, looks_well

pytestmark = [pytest.mark.xdist_group("chromium"), pytest.mark.timeout(300)]


@pytest.fixture
def relay(sink: Callable[..., Sink], authority: Authority) -> Sink:
    """Talks TLS from the start, and takes mail of kim."""
    return sink(users={"kim": SECRET}, tls=authority.contexts["good"])


def fill_in(page: Page, relay: Sink, authority: Authority) -> None:
    """As somebody does who believes that the relay talks STARTTLS."""
    page.goto(f"{BASE}/new")
    page.get_by_role("link", name="Own SMTP server").click()
    page.get_by_label("Name", exact=True).fill("Acme relay")
    page.get_by_label("Relay host").fill("127.0.0.1")
    page.get_by_label("Port", exact=True).fill(str(relay.port))
    page.get_by_label("User name", exact=True).fill("kim")
    page.locator("#password").fill(SECRET)
    page.get_by_label("From address", exact=True).fill("kim@example.org")
    page.locator("#more > summary").click()
    page.get_by_label("Own certificate authority").fill(authority.pem)
    page.get_by_label("Send to").fill("pat@example.com")


@pytest.mark.parametrize("javascript", [True, False], ids=["htmx", "plain forms"])
def test_from_a_failing_test_to_a_sender_in_use(
    new_page: NewPage, relay, authority, javascript: bool
):
    """The repair needs no second typing, and Overview knows who carries mail."""
    page = new_page(javascript=javascript)
    fill_in(page, relay, authority)

    page.get_by_role("button", name="Send test").click()
    end_of_test(page)
    failed = page.locator("#ladder li[data-state=failed]")
    expect(failed).to_contain_text("The relay waits for TLS, we wait for its greeting")
    assert page.get_by_label("Relay host").input_value() == "127.0.0.1"
    assert page.locator("#password").input_value() == (SECRET if javascript else "")

    page.get_by_role("button", name="Use TLS from the start and test").click()
    passed = "A test message was accepted by 127.0.0.1 for pat@example.com."
    expect(page.locator("#ladder .note")).to_contain_text(passed)
    assert [mail.recipients for mail in relay.mails] == [("pat@example.com",)]
    expect(page.get_by_label("TLS from the start", exact=True)).to_be_checked()

    page.locator("#use-now").click()
    expect(page.locator("#notice")).to_contain_text("Mail goes through “Acme relay”")
    expect(page.locator("#notice")).not_to_contain_text("never tested")
    expect(page.locator("#through")).to_contain_text("Acme relay")
    expect(page).to_have_url(re.compile(r"/senders/[\w-]{22}\?ladder="))
    page.get_by_role("link", name="Go to the overview").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Acme relay")
    assert SECRET not in page.content()


def test_every_state_looks_well(new_page: NewPage, relay, authority):
    """Failed, refused by the form, passed, saved, its versions, secret and list."""
    page = new_page()
    fill_in(page, relay, authority)
    page.locator("#test").click()
    end_of_test(page)
    looks_well(page, "failed")

    page = new_page()
    fill_in(page, relay, authority)
    page.get_by_label("Port", exact=True).fill("465")
    page.get_by_label("From address", exact=True).fill("nobody")
    page.locator("#form footer button").first.click()
    expect(page.locator("#from_address-error")).to_be_visible()
    looks_well(page, "refused")

    page = new_page()
    fill_in(page, relay, authority)
    page.locator("#security-tls").check(force=True)
    page.locator("#test").click()
    expect(page.locator("#use-now")).to_be_visible()
    looks_well(page, "passed")

    page = new_page()
    fill_in(page, relay, authority)
    page.locator("#form footer").get_by_text("Save and use").click()
    expect(page.locator("#notice")).to_contain_text("did not pass")
    looks_well(page, "saved-untested")
    for name, path in (("versions", "/versions"), ("secret", "/secret")):
        page.goto(page.url.split("?")[0].removesuffix("/versions") + path)
        looks_well(page, name)
    page.goto(BASE)
    looks_well(page, "list")


def test_enter_tests_and_saves_nothing(new_page: NewPage, relay, authority):
    """In any field, and a wrong one brings the form back with its sentence."""
    page = new_page()
    fill_in(page, relay, authority)
    page.get_by_label("From address", exact=True).fill("nobody")

    page.get_by_label("Send to").press("Enter")
    expect(page.locator("#from_address-error")).to_contain_text("needs exactly one")
    expect(page.get_by_role("heading", level=1)).to_have_text("New sender")

    page.get_by_label("From address", exact=True).fill("kim@example.org")
    page.locator("#password").fill(SECRET)
    page.get_by_label("Relay host").press("Enter")
    end_of_test(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("New sender")


def test_a_mismatch_is_said_while_typing_and_mended(new_page: NewPage):
    """The hint comes and goes; nothing is chosen but by the person."""
    page = new_page()
    page.goto(f"{BASE}/new/generic_smtp")

    page.get_by_label("Port", exact=True).fill("465")
    expect(page.locator("#hint")).to_contain_text("Port 465 usually talks TLS")
    expect(page.get_by_label("STARTTLS", exact=True)).to_be_checked()
    page.locator("#hint").get_by_text("Use TLS from the start").click()

    expect(page.locator("#security-tls")).to_be_checked()
    expect(page.locator("#hint")).to_be_empty()


def test_what_is_chosen_shows_its_fields(new_page: NewPage):
    """By style alone: it works without a script."""
    page = new_page(javascript=False)
    page.goto(f"{BASE}/new/generic_smtp")
    readable = page.get_by_text("everybody on the way can read the mail")
    allow = page.get_by_text("asks for no password")

    expect(readable).to_be_hidden()
    expect(allow).to_be_hidden()
    page.get_by_label("None", exact=True).check(force=True)
    page.get_by_label("Allowed IP").check(force=True)

    expect(readable).to_be_visible()
    expect(allow).to_be_visible()
    expect(page.locator("#password")).to_be_hidden()


def test_a_region_fills_in_its_host(new_page: NewPage):
    page = new_page()
    page.goto(f"{BASE}/new/amazon_ses")

    page.get_by_label("Region").select_option("eu-west-1")

    host = page.get_by_label("Relay host")
    expect(host).to_have_value("email-smtp.eu-west-1.amazonaws.com")


def test_a_search_shows_what_fits(new_page: NewPage):
    page = new_page()
    page.goto(f"{BASE}/new")

    page.get_by_label("Search").fill("365")

    expect(page.locator("#providers h3").first).to_have_text("Microsoft 365")
    expect(page.get_by_role("link", name="Postmark")).to_have_count(0)


def test_on_a_phone_the_ladder_comes_into_view(new_page: NewPage, play, authority):
    """Its heading stands below the bar; a repair at the end does the same."""
    relay = play("says_nothing.txt")
    page = new_page(width=360)
    fill_in(page, relay, authority)

    page.get_by_role("button", name="Send test").click()

    heading = page.locator("#ladder-title")
    expect(heading).to_be_in_viewport()
    # In one step: the ladder is swapped for its next state meanwhile.
    top = "document.querySelector('#ladder-title').getBoundingClientRect().top"
    bar = "document.querySelector('.top').getBoundingClientRect().height"
    assert page.evaluate(f"{top} - {bar}") >= 0
    expect(page.locator("#ladder .ladder > li").nth(2)).to_be_in_viewport()
    end_of_test(page)
    page.get_by_role("button", name="Test again").click()
    expect(heading).to_be_in_viewport()
    end_of_test(page)


def test_a_running_test_keeps_the_focus(new_page: NewPage, play, authority):
    """Each look changes what is new and leaves the rest where it is."""
    page = new_page()
    fill_in(page, play("says_nothing.txt"), authority)
    page.get_by_role("button", name="Send test").click()
    stop = page.get_by_role("button", name="Stop the test")
    stop.focus()

    expect(page.locator("#ladder li[data-state=running] small")).to_have_text("banner")

    expect(stop).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#ladder .badge")).to_have_text("Stopped")
