"""The main job in a browser: from the set-up link to a mail at the relay."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import NewPage
from tests.e2e.person import EMAIL, Person
from tests.e2e.relay import HOST, NOBODY, PASSWORD, USER, Relay
from tests.serving import Serving

pytestmark = pytest.mark.xdist_group("browser")


@pytest.mark.parametrize("javascript", [True, False], ids=["htmx", "plain forms"])
def test_a_newcomer_gets_mail_out(new_page: NewPage, portal, relay, javascript: bool):
    """Set-up, a failing test, its repair, a passing one, in use, a mail by POST."""
    serving, link = portal
    page = new_page(javascript=javascript)
    person = Person(page, javascript)

    person.sets_up(link)
    person.chooses_own_server()
    person.fills_in(relay, password="a wrong password")
    _the_wrong_password_is_explained(person)
    person.types_password(PASSWORD)
    _the_right_one_passes(person, relay)
    person.saves_and_uses()
    page.goto("/")
    expect(page.get_by_role("heading", level=1)).to_have_text(
        "Ready. Mail would go through Acme relay"
    )

    key = person.makes_a_key()
    _a_mail_goes_out(person, serving, key, relay)
    page.goto("/")
    expect(page.get_by_role("heading", level=1)).to_have_text(
        "Mail is flowing through Acme relay"
    )
    _a_refused_one_is_explained(person, serving, key)


def test_a_set_up_link_works_once(new_page: NewPage, portal):
    """The second visit is told what to do instead."""
    serving, link = portal
    Person(new_page(), True).sets_up(link)

    answer = serving.ask("GET", link.removeprefix(serving.url))

    assert answer.status == 410
    assert b"/sign-in" in answer.body


def test_without_a_sender_mail_is_captured_and_says_so(new_page: NewPage, portal):
    """Overview, Messages, Sandbox and the answer all say that nothing went out."""
    serving, link = portal
    page = new_page()
    person = Person(page, True)
    person.sets_up(link)
    key = person.makes_a_key()

    answer = _send(serving, key, "Nobody gets this", to="pat@example.com")

    assert answer["captured"] is True
    page.goto("/t/production/")
    expect(page.get_by_role("heading", level=1)).to_contain_text("captured")
    person.opens_message("Nobody gets this")
    expect(page.locator("#message")).to_contain_text("Captured, not sent")
    page.goto("/t/production/sandbox")
    expect(page.locator("#main")).to_contain_text("Nobody gets this")


@pytest.mark.parametrize("width", [360, 1440])
def test_a_started_test_is_in_view(new_page: NewPage, portal, relay: Relay, width: int):
    """On a phone the ladder comes to the person, and nothing scrolls sideways."""
    page = new_page(width=width)
    person = Person(page, True)
    person.sets_up(portal[1])
    person.chooses_own_server()
    person.fills_in(relay, password=PASSWORD)

    ladder = person.tests()

    expect(ladder.get_by_role("heading", name="Live test")).to_be_in_viewport()
    assert _overflow(page) == 0


def _the_wrong_password_is_explained(person: Person) -> None:
    ladder = person.tests()
    failed = ladder.locator("li[data-state=failed]")
    expect(failed).to_have_count(1)
    expect(failed.locator("h3 small").first).to_have_text("auth")
    expect(failed).to_contain_text("535")
    expect(failed.locator(".note h3")).not_to_be_empty()
    expect(ladder.locator("li[data-state=ok]")).not_to_have_count(0)


def _the_right_one_passes(person: Person, relay: Relay) -> None:
    ladder = person.tests()
    expect(ladder).to_contain_text(f"A test message was accepted by {HOST} for {EMAIL}")
    expect(ladder.locator("li[data-state=failed]")).to_have_count(0)
    assert [mail["To"] for mail in relay.mail] == [EMAIL]


def _a_mail_goes_out(person: Person, serving: Serving, key: str, relay: Relay) -> None:
    answer = _send(serving, key, "It works", to="Pat <pat@example.com>")
    assert answer["captured"] is False
    mail = relay.wait("It works")
    assert mail["Message-ID"].strip("<>") == answer["message_id"].strip("<>")
    assert mail["From"] == f"Acme <{USER}>"
    final = serving.settled(answer["id"], key=key)
    assert final["attempts"][0]["reply"]["code"] == 250

    person.opens_message("It works")
    attempts = person.page.locator("#attempts")
    expect(attempts).to_contain_text("RCPT TO:<pat@example.com>")
    expect(attempts).not_to_contain_text(PASSWORD)
    assert "email.sent" in person.reads_audit()


def _a_refused_one_is_explained(person: Person, serving: Serving, key: str) -> None:
    body = {"to": NOBODY, "subject": "To nobody", "text": "hi"}
    waiting = {"Prefer": "wait=10"}
    answer = serving.ask("POST", "/send", key=key, body=body, headers=waiting)
    assert (answer.status, answer.json()["status"]) == (200, "failed")

    person.opens_message("To nobody")
    expect(person.page.locator("#recipients")).to_contain_text("550")
    expect(person.page.locator("#message .note h2")).not_to_be_empty()
    assert "email.send_failed" in person.reads_audit()


def _send(serving: Serving, key: str, subject: str, *, to: str) -> dict:
    body = {"to": to, "subject": subject, "text": "hi"}
    answer = serving.ask("POST", "/send", key=key, body=body)
    assert answer.status == 202, answer.body
    accepted = answer.json()
    assert answer.headers["Location"].endswith(f"/send/{accepted['id']}")
    return accepted


def _overflow(page: Page) -> int:
    return page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
