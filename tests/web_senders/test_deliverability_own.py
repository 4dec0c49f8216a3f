"""The tab of an own relay: its names, its lists, and what the verdict does not name."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.domains.conftest import KEY, MAIL, MTASV
from tests.web_senders.conftest import BASE
from tests.web_senders.domains import dns, installation, run_checks, settings, shop
from tests.web_senders.reading import words
from tests.web_senders.windows import NewPage, looks_well

__all__ = ["dns", "installation", "run_checks", "settings", "shop"]

SPF = '@ TXT "v=spf1 ip4:192.0.2.0/24 -all"'
SIGNED = f'mail._domainkey TXT "{KEY[:200]}" "{KEY[200:]}"'
LISTS = {
    "list.example": "2.0.0.127 A 127.0.0.2\n11.2.0.192 A 127.0.0.4\n"
    '11.2.0.192 TXT "https://list.example/why?ip=192.0.2.11"',
    "wild.example": "* A 127.0.0.2",
    "gone.example": "@ ! REFUSED\n10.2.0.192 ! REFUSED\n11.2.0.192 ! REFUSED",
}
ZONES = {
    "shop.example": "\n".join((MAIL, SPF, SIGNED, "out A 192.0.2.10")),
    "2.0.192.in-addr.arpa": "10 PTR out.shop.example.\n11 PTR bare.shop.example.",
    **LISTS,
    **MTASV,
}
RELAY = {
    "provider": "generic_smtp",
    "host": "smtp.shop.example",
    "dkim": {"selectors": ["mail"]},
    "relay_ips": ["192.0.2.10", "192.0.2.11"],
    "blocklists": list(LISTS),
}


@pytest.fixture
def own(shop, dns) -> str:
    dns.publish(ZONES)
    return f"{BASE}/{shop(**RELAY)}/deliverability"


def others(page: str) -> list[tuple[str, str]]:
    """What stands beside the verdict: where it leads, and what it is called."""
    verdict = page.partition('id="verdict-title"')[2].partition("</section>")[0]
    return re.findall(r'<a href="#row-(\w+)">([^<]+)</a>', verdict)


def test_what_the_verdict_does_not_name_is_linked(as_admin, own, run_checks, dns):
    as_admin.post(own)
    run_checks()
    page = as_admin.get(own).text

    assert "because of DMARC: there is no policy, and two more." in words(page)
    assert others(page) == [
        ("ptr", "Names of the relay’s addresses (PTR)"),
        ("blocklist", "Block lists"),
    ]
    assert all(f'<tr id="row-{name}">' in page for name, _ in others(page))


def test_a_list_that_fell_silent_after_a_listing_is_among_them(
    as_admin, own, run_checks, dns
):
    as_admin.post(own)
    run_checks()
    dns.publish({**ZONES, "list.example": "*.192 A 127.255.255.254"})
    as_admin.post(own)
    run_checks()
    page = as_admin.get(own).text

    assert "Could not check: <a href=" in page
    assert ("blocklist", "Block lists") in others(page)


def test_each_list_says_what_its_word_is_worth(as_admin, own, run_checks):
    as_admin.post(own)
    run_checks()
    page = words(as_admin.get(own).text)

    row = page.partition('id="row-blocklist"')[2].partition("</tr>")[0]
    for state, word in (
        ("pass", "not on it"),
        ("fail", "on it"),
        ("info", "has every address"),
        ("info", "does not answer us"),
    ):
        assert f'data-state="{state}">{word}<' in row
    assert "It says: https://list.example/why?ip=192.0.2.11." in row


@pytest.mark.xdist_group("chromium")
@pytest.mark.timeout(300)
def test_an_own_relay_is_led_to_green_and_looks_well(new_page: NewPage, own, dns):
    page = new_page()
    page.goto(own)
    page.get_by_role("button", name="Check now").click()
    expect(page.get_by_role("button", name="Check again")).to_be_visible()
    looks_well(page, "own-relay")
    fix = [page.locator(f"#ptr-1-{part}").inner_text() for part in ("host", "value")]
    page.get_by_role("link", name="Block lists", exact=True).click()
    expect(page.locator("#row-blocklist")).to_be_in_viewport()

    zone = f"{ZONES['shop.example']}\n{fix[0]} A {fix[1]}\n"
    dns.publish({**ZONES, "shop.example": zone})
    page.get_by_role("button", name="Check again").click()

    expect(page.locator("#row-ptr .badge")).to_have_attribute("data-state", "pass")
