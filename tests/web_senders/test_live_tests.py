"""Live tests in the browser: begun from the form, shown rung by rung."""

from __future__ import annotations

import dataclasses
import re

import pytest

from portal.app import create_app
from portal.sandbox.server import Sandbox
from portal.services import captures
from portal.store.database import connection
from portal.store.models import LiveTest
from tests.browsing import Visitor
from tests.web_senders.conftest import BASE, NEW, SECRET, SIGNED_IN, START
from tests.web_senders.reading import chosen, rungs, started, value, words

ACCEPTED = "A test message was accepted by 127.0.0.1 for pat@example.com."


@pytest.fixture
def tried(as_admin, form, run_tests):
    """`tried(port=…)`: a test from the form of a new sender, as its page shows it."""

    def run(**changes: object) -> str:
        answer = as_admin.post(START, form(to="pat@example.com", **changes))
        assert answer.status_code == 303, answer.text
        run_tests()
        return words(as_admin.get(answer.headers["Location"]).text)

    return run


def test_what_the_form_shows_is_tested_unsaved(tried, sink):
    """Each stage, the relay's words, and the one sentence at the end."""
    relay = sink()

    page = tried(port=relay.port, from_name="Acme Inc")

    assert ACCEPTED in page
    assert set(rungs(page).values()) == {"ok"}
    assert list(rungs(page)) == [
        "dns",
        "connect",
        "banner",
        "ehlo",
        "mail_from",
        "rcpt_to",
        "data",
        "post_data",
    ]
    assert "250 2.0.0 OK queued as 1" in page
    assert b"From: Acme Inc <kim@example.org>" in relay.mails[0].content
    assert relay.mails[0].recipients == ("pat@example.com",)


def test_a_plain_form_is_led_to_a_page_that_looks_again(as_admin, form):
    """Without a script the page follows the test; all but the secret is there."""
    answer = as_admin.post(START, form(**SIGNED_IN, port=4465, reply_to_name=""))

    assert answer.status_code == 303
    assert re.fullmatch(rf"{NEW}\?test=[\w-]+#ladder", answer.headers["Location"])
    page = as_admin.get(answer.headers["Location"]).text
    assert re.search(r'<noscript><meta http-equiv="refresh" content="1; url=/t/', page)
    assert value(page, "port") == "4465"
    assert value(page, "username") == "kim"
    assert SECRET not in page
    assert chosen(page, "secret") == "lent"


def test_htmx_gets_a_ladder_that_asks_again(as_admin, form, sink, run_tests):
    """It polls its own fragment while it runs, and no more when it is over."""
    relay = sink()

    begun = as_admin.post(START, form(port=relay.port), htmx=True)

    assert begun.status_code == 200
    assert "<html" not in begun.text
    assert begun.text.lstrip().startswith('<section class="panel" id="ladder"')
    assert 'hx-trigger="load delay:250ms"' in begun.text
    assert set(rungs(begun.text).values()) == {"pending"}
    run_tests()
    ended = as_admin.get(started(begun.text), htmx=True)
    assert "hx-trigger" not in ended.text
    assert "<html" not in ended.text
    assert 'id="form"' not in ended.text


def test_a_saved_sender_is_tested_with_its_stored_secret(
    as_admin, form, saved, sink, run_tests, authority
):
    relay = sink(users={"kim": SECRET}, starttls=authority.contexts["good"])
    sent = {**SIGNED_IN, "port": relay.port, "ca": authority.pem}
    at = saved(**sent)
    again = form(**{**sent, "password": ""}, secret="keep", to="pat@example.com")

    answer = as_admin.post(f"{at}/test", again)
    run_tests()

    page = words(as_admin.get(answer.headers["Location"]).text)
    assert ACCEPTED in page
    assert relay.mails[0].user == "kim"
    assert "Edited, not saved" not in page
    assert "Accepted" in as_admin.get(BASE).text


def test_what_was_edited_and_tested_is_not_taken_for_saved(
    as_admin, form, saved, sink, run_tests
):
    at = saved()
    answer = as_admin.post(f"{at}/test", form(port=sink().port))
    run_tests()

    page = as_admin.get(answer.headers["Location"]).text

    assert "Edited, not saved" in page
    assert value(page, "port") != "2525"
    assert value(as_admin.get(at).text, "port") == "2525"


@pytest.mark.parametrize("htmx", [False, True], ids=["plain", "htmx"])
def test_a_wrong_field_begins_no_test(as_admin, form, htmx: bool):
    answer = as_admin.post(START, form(**SIGNED_IN, host="http://x"), htmx=htmx)

    assert answer.status_code == 422
    assert ("<html" in answer.text) is not htmx
    assert "This is a host name alone" in answer.text
    assert SECRET not in answer.text
    assert "Type it again" in answer.text
    assert LiveTest.select().count() == 0


def test_a_wrong_recipient_is_said_beside_it(as_admin, form):
    page = as_admin.post(START, form(to="nobody at all")).text

    assert 'id="to-error"' in page
    assert value(page, "to") == "nobody at all"


def test_a_failure_is_explained_under_its_rung(tried, play):
    """What happened, the likely cause, what to do; the rest was not reached."""
    page = tried(port=play("says_nothing.txt").port)

    states = rungs(page)
    assert states["banner"] == "failed"
    assert states["post_data"] == "skipped"
    failed = page.partition('<li data-state="failed">')[2].partition("</li>")[0]
    assert 'role="alert"' in failed
    assert "The relay waits for TLS" in failed
    assert "Stopped at the greeting" in page


def test_a_lost_answer_is_shown_as_uncertain(tried, play):
    page = tried(port=play("says_nothing_after_the_dot.txt").port)

    assert rungs(page)["post_data"] == "uncertain"
    assert 'data-state="uncertain"' in page
    assert "A second test may arrive as a second mail." in page
    assert "Save and use</button><span" not in page


def test_a_captured_test_says_that_it_reached_nobody(
    installation, admin, form, run_tests
):
    def keep(taken: captures.Taken) -> None:
        with connection():
            captures.keep(taken)

    sandbox = Sandbox(keep)
    sandbox.start()
    try:
        here = dataclasses.replace(installation, sandbox_port=lambda: sandbox.port)
        visitor = Visitor(create_app(installation=here), admin)
        sent = form(provider="sandbox", host=None, port=None, security=None, auth=None)
        answer = visitor.post(START, sent)
        run_tests(here)
        page = words(visitor.get(answer.headers["Location"]).text)
    finally:
        sandbox.stop()

    assert "accepted by the sandbox for admin@example.org" in page
    assert "nobody outside got it" in page
    assert "Captured" in page


def test_what_the_relay_says_is_text(tried, play):
    """A reply that is markup is shown, and does nothing."""
    hostile = "<script>alert(1)</script><img src=x onerror=alert(2)>"

    page = tried(port=play(f"S: 554 5.7.1 {hostile}\n").port)

    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_the_secret_is_in_no_transcript(tried, sink, authority):
    relay = sink(users={"kim": "other"}, starttls=authority.contexts["good"])

    page = tried(**SIGNED_IN, port=relay.port, ca=authority.pem)

    assert rungs(page)["auth"] == "failed"
    assert "The whole conversation" in page
    assert SECRET not in page


def test_a_test_is_stopped_before_it_began(as_admin, form):
    begun = as_admin.post(START, form(), htmx=True)

    stopped = as_admin.post(f"{started(begun.text)}/stop", htmx=True)

    assert "The test was stopped." in stopped.text
    assert "hx-trigger" not in stopped.text
    assert "<html" not in stopped.text


def test_a_plain_stop_leads_back_to_the_form(as_admin, form):
    begun = as_admin.post(START, form(), htmx=True)

    page = as_admin.follow(f"{started(begun.text)}/stop")

    assert "The test was stopped." in page
    assert value(page, "host") == "127.0.0.1"


def test_a_test_of_what_was_saved_since_stays_with_the_sender(
    as_admin, form, saved, run_tests, sink
):
    """Its ladder offers to save the sender, not to make another of its name."""
    relay = sink()
    begun = as_admin.post(START, form(port=relay.port), htmx=True)
    at = saved(port=relay.port)
    run_tests()

    ladder = as_admin.get(f"{started(begun.text)}?sender={at.rpartition('/')[2]}")

    assert f'hx-post="{at}"' in ladder.text
