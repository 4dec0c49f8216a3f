"""A preflight asks for each allowed sender and sends nothing."""

from __future__ import annotations

import dataclasses
from ipaddress import ip_network

import pytest

from portal.config import AllowRule
from portal.services import audit, testing
from portal.store.models import SenderVersion

REFUSES_ONE = """\
S: 220 relay.test ESMTP
C: EHLO *
S: 250 relay.test
C: MAIL FROM:<app@example.org>
S: 250 2.1.0 OK
C: RCPT TO:<admin@example.org>
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


@pytest.fixture
def settings(settings):
    here = AllowRule(network=ip_network("127.0.0.1/32"))
    return dataclasses.replace(settings, relay_allow=(here,))


@pytest.fixture
def preflight(admin, ask, run_tests):
    def ask_for(relay, **changes) -> testing.TestView:
        where = {"host": "localhost", "port": relay.port, **changes}
        test = ask(admin, kind=testing.PREFLIGHT, **where)
        run_tests()
        return testing.read(admin, test)

    return ask_for


def test_every_allowed_address_is_asked_for(
    both_databases, preflight, sink, authority, owner
):
    relay = sink(users={"app": "open sesame"}, starttls=authority.contexts["good"])

    view = preflight(
        relay, ca=authority.pem, allowed_from=["news@example.org", "example.net"]
    )

    assert view.status == "passed"
    assert [(each.sender, each.taken) for each in view.asked] == [
        ("app@example.org", True),
        ("news@example.org", True),
    ]
    assert "takes every sender for admin@example.org" in view.sentence
    assert "Nothing was sent." in view.sentence
    assert relay.mails == []
    [event] = audit.events(owner, event="sender.tested").events
    assert (event.detail["kind"], event.detail["status"]) == ("preflight", "passed")


def test_the_refused_one_is_named_with_its_diagnosis(preflight, play):
    view = preflight(
        play(REFUSES_ONE),
        security="none",
        auth="none",
        allowed_from=["news@example.org"],
    )

    assert (view.status, view.stage) == ("failed", "mail_from")
    assert [each.taken for each in view.asked] == [True, False]
    assert "553" in view.asked[1].said
    assert "takes 1 of 2 senders" in view.sentence
    assert view.diagnosis["cause"] == "sender_not_authorised"


def test_a_reverse_path_of_its_own_is_asked_for_once(preflight, sink):
    view = preflight(
        sink(),
        security="none",
        auth="none",
        mail_from="bounces@example.org",
        allowed_from=["news@example.org"],
    )

    assert [each.sender for each in view.asked] == ["bounces@example.org"]


def test_it_proves_no_version(admin, save, ask, run_tests, sink):
    """Whether the relay takes a mail, only a mail shows."""
    relay = sink()
    where = {"security": "none", "auth": "none", "host": "localhost"}
    saved = save(admin, port=relay.port, password=None, username=None, **where)
    ask(
        admin,
        sender_id=saved.id,
        kind=testing.PREFLIGHT,
        port=relay.port,
        password=None,
        username=None,
        **where,
    )
    run_tests()

    [version] = SenderVersion.select()
    assert version.tested_at is None
