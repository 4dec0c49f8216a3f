"""Asking without sending: the button, its ladder, and what each address heard."""

from __future__ import annotations

import pytest

from tests.web_senders.conftest import BASE, START
from tests.web_senders.reading import rungs, started, words

REFUSES_ONE = """\
S: 220 relay.test ESMTP
C: EHLO *
S: 250 relay.test
C: MAIL FROM:<kim@example.org>
S: 250 2.1.0 OK
C: RCPT TO:<*>
S: 250 2.1.5 OK
C: RSET
S: 250 2.0.0 OK
C: MAIL FROM:<news@example.org>
S: 553 5.7.1 Sender address rejected: not owned by user
C: RSET
S: 250 2.0.0 OK
C: QUIT
S: 221 2.0.0 Bye
"""
ASKING = {"kind": "preflight"}


@pytest.mark.parametrize("htmx", [False, True])
def test_the_button_asks_and_sends_nothing(as_admin, form, sink, run_tests, htmx):
    relay = sink()
    begun = as_admin.post(START, form(port=relay.port, **ASKING), htmx=htmx)
    run_tests()
    shown = begun.text if htmx else as_admin.get(begun.headers["Location"]).text

    page = words(as_admin.get(started(shown), htmx=True).text)

    assert "Would be taken" in page
    assert "only after DATA" in page
    assert list(rungs(page)) == [
        "dns",
        "connect",
        "banner",
        "ehlo",
        "mail_from",
        "rcpt_to",
    ]
    assert relay.mails == []


def test_each_address_has_its_answer(as_admin, form, play, run_tests):
    sent = form(port=play(REFUSES_ONE).port, allowed_from="news@example.org", **ASKING)
    begun = as_admin.post(START, sent, htmx=True)
    run_tests()

    page = words(as_admin.get(started(begun.text), htmx=True).text)

    assert rungs(page)["mail_from"] == "failed"
    assert "not owned by user" in page
    assert page.count('data-state="pass">taken') == 1
    assert page.count('data-state="fail">refused') == 1


def test_the_form_has_the_button_and_the_sandbox_has_not(as_admin):
    assert 'id="preflight"' in as_admin.get(f"{BASE}/new/generic_smtp").text
    assert 'id="preflight"' not in as_admin.get(f"{BASE}/new/sandbox").text


def test_a_repair_of_a_preflight_is_a_preflight(
    as_admin, form, sink, authority, run_tests
):
    relay = sink(tls=authority.contexts["good"])
    sent = {"port": relay.port, "security": "starttls", "ca": authority.pem}
    begun = as_admin.post(START, form(**sent, **ASKING), htmx=True)
    run_tests()
    test_id = started(begun.text).rpartition("/")[2]

    again = as_admin.post(
        f"{BASE}/repair", form(**sent, test=test_id, repair="0"), htmx=True
    )
    run_tests()

    page = words(as_admin.get(started(again.text), htmx=True).text)
    assert "Would be taken" in page
    assert relay.mails == []
