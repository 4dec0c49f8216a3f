"""In Chromium: what a setting repairs is repaired by one click."""

from __future__ import annotations

import dataclasses

import pytest
from playwright.sync_api import Page, expect

from tests.web_senders.conftest import BASE, SECRET
from tests.web_senders.windows import NewPage, end_of_test, looks_well

pytestmark = [pytest.mark.xdist_group("chromium"), pytest.mark.timeout(300)]

PASSED = "A test message was accepted by relay.test for pat@example.com."


@pytest.fixture
def settings(settings, zones, place):
    """`relay.test` is at an address of its own, where the usual ports are free."""
    server = zones(
        {
            "relay.test": f"@ A {place}",
            "peer.example": "_submission._tcp SRV 0 1 2525 relay.test.",
        }
    )
    return dataclasses.replace(settings, dns=server.address)


def failed_test(page: Page, port: int, *, user: str = "kim", ca: str = "") -> None:
    """The form as somebody fills it in who has one thing wrong."""
    page.goto(f"{BASE}/new/generic_smtp")
    page.get_by_label("Relay host").fill("relay.test")
    page.get_by_label("Port", exact=True).fill(str(port))
    page.get_by_label("User name", exact=True).fill(user)
    page.locator("#password").fill(SECRET)
    page.get_by_label("From address", exact=True).fill("kim@example.org")
    if ca:
        page.locator("#more > summary").click()
        page.get_by_label("Own certificate authority").fill(ca)
    page.get_by_label("Send to").fill("pat@example.com")
    page.locator("#test").click()
    end_of_test(page)
    expect(page.locator("#ladder li[data-state=failed]")).to_have_count(1)


def repaired(page: Page, button: str) -> None:
    page.get_by_role("button", name=button).click()
    expect(page.locator("#ladder .note")).to_contain_text(PASSED)


def test_a_wrong_port(new_page: NewPage, sink, authority, place):
    good = authority.contexts["good"]
    relay = sink(users={"kim": SECRET}, starttls=good, host=place, port=2525)
    page = new_page()
    failed_test(page, 2524, ca=authority.pem)
    note = page.locator("#ladder .note[data-state=failed]")
    expect(note).to_contain_text("2525 with STARTTLS answers here")
    expect(note).to_contain_text("Tried: works")

    repaired(page, "Use 2525 and STARTTLS and test")

    assert page.get_by_label("Port", exact=True).input_value() == "2525"
    assert len(relay.mails) == 1


def test_a_wrong_encryption(new_page: NewPage, sink, authority, place):
    relay = sink(users={"kim": SECRET}, tls=authority.contexts["good"], host=place)
    page = new_page()
    failed_test(page, relay.port, ca=authority.pem)

    repaired(page, "Use TLS from the start and test")

    expect(page.get_by_label("TLS from the start", exact=True)).to_be_checked()
    assert len(relay.mails) == 1


def test_an_internal_authority_that_nobody_knows(
    new_page: NewPage, sink, authority, place
):
    context = authority.contexts["private"]
    relay = sink(users={"kim": SECRET}, starttls=context, host=place)
    page = new_page()
    failed_test(page, relay.port)
    expect(page.locator("#ladder")).to_contain_text("Tried: works")

    repaired(page, "Trust this CA and test")

    assert "BEGIN CERTIFICATE" in page.locator("[name=ca]").input_value()
    assert len(relay.mails) == 1


def test_a_user_name_in_the_wrong_form(new_page: NewPage, sink, authority, place):
    context = authority.contexts["good"]
    relay = sink(users={"kim@example.org": SECRET}, starttls=context, host=place)
    page = new_page()
    failed_test(page, relay.port, ca=authority.pem)

    repaired(page, "Use the user name kim@example.org and test")

    user = page.get_by_label("User name", exact=True).input_value()
    assert user == "kim@example.org"
    assert len(relay.mails) == 1


def test_settings_are_found_and_asked_for_without_sending(
    new_page: NewPage, sink, authority, place
):
    context = authority.contexts["good"]
    relay = sink(users={"kim": SECRET}, starttls=context, host=place, port=2525)
    page = new_page()
    page.goto(f"{BASE}/new")
    page.get_by_role("link", name="Find my settings").click()
    page.get_by_label("Address or host").fill("kim@peer.example")
    page.get_by_role("button", name="Find").click()
    expect(page.locator("#found .note")).to_contain_text("answers on 2525")

    page.get_by_role("link", name="Use these settings").click()
    assert page.get_by_label("Relay host").input_value() == "relay.test"
    page.locator("#more > summary").click()
    page.get_by_label("Own certificate authority").fill(authority.pem)
    page.get_by_label("User name", exact=True).fill("kim")
    page.locator("#password").fill(SECRET)
    page.locator("#preflight").click()

    expect(page.locator("#ladder .note")).to_contain_text("only after DATA")
    assert relay.mails == []


def test_a_quiet_sentence_comes_and_goes(new_page: NewPage):
    page = new_page()
    page.goto(f"{BASE}/new/generic_smtp")
    page.get_by_label("Relay host").fill("relay.test")

    page.get_by_label("From address", exact=True).press_sequentially("kim@gmail.com")
    expect(page.locator("#advice-from_address")).to_contain_text("Anybody may have")
    page.locator("#password").press_sequentially(" secret")
    expect(page.locator("#advice-password")).to_contain_text("blank")

    page.get_by_label("From address", exact=True).fill("kim@example.org")
    expect(page.locator("#advice-from_address")).to_be_empty()


def test_what_is_found_and_tried_looks_well(new_page: NewPage, sink, authority, place):
    """Each on a page of its own, since axe leaves its traces."""
    good = authority.contexts["good"]
    sink(users={"kim": SECRET}, starttls=good, host=place, port=2525)
    page = new_page()
    failed_test(page, 2524, ca=authority.pem)
    looks_well(page, "repair-of-the-port")

    page = new_page()
    page.goto(f"{BASE}/find")
    page.get_by_label("Address or host").fill("kim@peer.example")
    page.get_by_role("button", name="Find").click()
    expect(page.locator("#found .note")).to_contain_text("answers on 2525")
    page.locator("#silent > summary").click()
    looks_well(page, "found")

    page = new_page()
    failed_test(page, 2524, ca=authority.pem)
    page.get_by_label("Port", exact=True).fill("2525")
    page.locator("#preflight").click()
    expect(page.locator("#ladder .note")).to_contain_text("only after DATA")
    looks_well(page, "asked-without-sending")
