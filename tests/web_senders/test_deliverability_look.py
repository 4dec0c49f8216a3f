"""A domain from red to green, walked in Chromium against a name server on loopback."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.domains.conftest import GREEN, MAIL, MTASV, PATH, SIGNATURE
from tests.net.zones import Zones
from tests.web_senders.conftest import BASE
from tests.web_senders.domains import dns, installation, settings, shop, tab
from tests.web_senders.windows import NewPage, looks_well

__all__ = ["dns", "installation", "settings", "shop", "tab"]

pytestmark = [pytest.mark.xdist_group("chromium"), pytest.mark.timeout(300)]

NAMED = "@ NS ns1\nns1 A 127.0.0.1"
SPF = '@ TXT "v=spf1 include:spf.crm.example a:dead.crm.example ip4:192.0.2.1 +all"'
CRM = "\n".join(
    (
        'spf TXT "v=spf1 include:a.crm.example mx:mx.crm.example ?all"',
        'a TXT "v=spf1 ip4:192.0.2.0/25 include:b.crm.example ~all"',
        'b TXT "v=spf1 a:mx.crm.example ~all"',
        "mx A 192.0.2.9",
    )
)


def published(*lines: str) -> dict[str, str]:
    return {"shop.example": "\n".join((*lines, NAMED)), **MTASV, "crm.example": CRM}


def checked(page: Page, button: str, **states: str) -> None:
    """Until these rows say so, and no page and no fragment asks again."""
    page.get_by_role("button", name=button).click()
    for check, state in states.items():
        badge = page.locator(f"#row-{check} .badge")
        expect(badge).to_have_attribute("data-state", state)
    expect(page.get_by_role("button", name="Check again")).to_be_visible()
    expect(page.locator("#report [id^=poll-]")).to_have_count(0)


@pytest.mark.parametrize("javascript", [True, False], ids=["htmx", "plain forms"])
def test_a_domain_is_led_from_red_to_green(
    new_page: NewPage, dns: Zones, tab: str, javascript: bool
):
    """What the page says to publish is published, and the page is green."""
    lines = [MAIL]
    dns.publish(published(*lines))
    page = new_page(javascript=javascript)
    page.goto(tab)

    checked(page, "Check now", dkim="fail", dmarc="fail", spf="warn")
    expect(page.locator("#verdict-title")).to_contain_text("may refuse mail")

    host = page.locator("#dmarc-1-host").inner_text()
    value = page.locator("#dmarc-1-value").inner_text()
    path = page.locator("#spf-1-host").inner_text()
    target = page.locator("#spf-1-value").inner_text()
    lines += [f'{host} TXT "{value}"', SIGNATURE, f"{path} CNAME {target}."]
    dns.publish(published(*lines))
    checked(page, "Check again", dkim="pass", spf="pass", dmarc="warn")
    expect(page.locator("#row-dmarc")).to_contain_text("p=none")

    dns.publish({**published(), "shop.example": f"{GREEN['shop.example']}\n{NAMED}"})
    checked(page, "Check again", dmarc="pass")
    expect(page.locator("#verdict-title")).to_have_text(
        "Gmail and Outlook will accept mail from shop.example through Postmark."
    )
    expect(page.locator("#history")).to_contain_text("was failing")


def test_htmx_shows_a_row_as_soon_as_it_is_known(
    new_page: NewPage, dns: Zones, tab: str
):
    """A name that hangs delays no other row."""
    dns.publish(published(MAIL, PATH, SIGNATURE))
    dns.wait_s = {"_dmarc.shop.example": 1.5}
    page = new_page()
    page.goto(tab)

    page.get_by_role("button", name="Check now").click()

    expect(page.locator("#row-dkim")).to_be_visible()
    expect(page.locator("#checks")).to_contain_text("Asking")
    expect(page.locator("#report")).to_have_attribute("aria-busy", "true")
    dns.wait_s = {}
    expect(page.get_by_role("button", name="Check again")).to_be_visible()
    badge = page.locator("#row-dmarc .badge")
    expect(badge).to_have_attribute("data-state", "fail")
    # What is not in order may only be remembered: the zone is asked by itself.
    expect(page.locator("#authority")).to_contain_text("They agree")
    expect(page.locator(".verdict")).to_be_focused()


def test_the_focus_stays_with_what_was_asked(new_page: NewPage, dns: Zones, tab: str):
    """Whoever uses the keyboard goes on from there, and not from the top."""
    dns.publish(published(MAIL, PATH, SIGNATURE))
    page = new_page()
    page.goto(tab)

    page.get_by_role("button", name="Stop watching").press("Enter")
    expect(page.get_by_role("button", name="Watch this domain")).to_be_focused()
    page.get_by_role("button", name="Check now").press("Enter")
    expect(page.get_by_role("button", name="Check again")).to_be_visible()
    expect(page.locator(".verdict")).to_be_focused()
    page.get_by_role("button", name="Compare with").press("Enter")
    expect(page.locator("#authority [role=status][tabindex]")).to_be_focused()


def test_copy_puts_the_whole_value_on_the_clipboard(
    new_page: NewPage, dns: Zones, tab: str
):
    dns.publish(published(MAIL, PATH, SIGNATURE))
    page = new_page()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(tab)
    checked(page, "Check now", dmarc="fail")

    page.locator("[data-copy=dmarc-1-value]").click()

    expect(page.locator("[data-copy=dmarc-1-value]")).to_contain_text("Copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert re.fullmatch(r"v=DMARC1; p=none; rua=mailto:\S+", copied)


def test_copy_works_where_browsers_lend_no_clipboard(
    new_page: NewPage, dns: Zones, tab: str
):
    """Over http, but from the machine itself: what is pasted is the whole value."""
    dns.publish(published(MAIL, PATH, SIGNATURE))
    page = new_page()
    page.add_init_script("Object.defineProperty(navigator, 'clipboard', {})")
    page.goto(tab)
    checked(page, "Check now", dmarc="fail")

    page.locator("[data-copy=dmarc-1-value]").click()

    expect(page.locator("[data-copy=dmarc-1-value]")).to_contain_text("Copied")
    source = page.get_by_label("Source of the received mail")
    source.press("Control+v")
    expect(source).to_have_value(re.compile(r"v=DMARC1; p=none; rua=mailto:\S+"))


def test_each_state_of_the_tab_looks_well(
    new_page: NewPage, dns: Zones, tab: str, shop
):
    page = new_page()
    page.goto(tab)
    dns.publish(published(MAIL, SIGNATURE))
    checked(page, "Check now", dmarc="fail")
    page.goto(tab)
    page.locator("#history-table summary").click()
    looks_well(page, "deliverability-red")
    dns.publish(published(MAIL, PATH, SIGNATURE, "_dmarc ! SERVFAIL"))
    checked(page, "Check again", dmarc="unknown")
    page.get_by_role("button", name="Compare with the name servers").click()
    expect(page.locator("#authority [role=status] .badge").first).to_be_visible()
    looks_well(page, "deliverability-unknown")

    other = shop(active=False, provider="generic_smtp", host="smtp.shop.example")
    dns.publish(published(MAIL, SPF))
    page.goto(f"{BASE}/{other}/deliverability")
    checked(page, "Check now", dmarc="fail")
    page.goto(f"{BASE}/{other}/deliverability")
    page.get_by_text("Look-up tree").click(trial=True)
    looks_well(page, "deliverability-tree")
    page.get_by_role("link", name="Enter other ones").click()
    expect(page.get_by_label("Block lists to ask")).to_be_visible()
    page.goto(f"{BASE}/{other}")
    expect(page.locator("#before-use")).to_contain_text("The DNS is not ready")
    looks_well(page, "deliverability-before-use")
