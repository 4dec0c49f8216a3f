"""MAIL and RCPT are asked and taken back, for each address, over one connection."""

from __future__ import annotations

import asyncio

from portal.delivery.preflight import Preflight, preflight
from portal.delivery.types import Security, StepStatus
from portal.mail.types import Envelope
from portal.net.open import OpenNet
from portal.secret import Secret
from tests.delivery.asking import PATIENT, relay_at

OPENS = """\
S: 220 relay.test ESMTP
C: EHLO *
S: 250 relay.test
"""
FIRST_IS_REFUSED = f"""{OPENS}\
C: MAIL FROM:<one@example.org>
S: 553 5.7.1 Sender address rejected: not owned by user
C: RSET
S: 250 2.0.0 OK
C: MAIL FROM:<two@example.org>
S: 250 2.1.0 OK
C: RCPT TO:<lee@example.net>
S: 250 2.1.5 OK
C: RSET
S: 250 2.0.0 OK
C: QUIT
S: 221 2.0.0 Bye
"""
HANGS_UP_AT_MAIL = f"""{OPENS}\
C: MAIL FROM:<*>
S: 421 4.7.0 Not now
! close
"""


def asking(relay, *senders: str) -> Preflight:
    envelopes = [
        Envelope(reverse_path=each, recipients=("lee@example.net",)) for each in senders
    ]
    return asyncio.run(
        preflight(relay, OpenNet(), envelopes, lambda step: None, limits=PATIENT)
    )


def test_each_sender_is_asked_and_nothing_is_sent(sink, authority):
    relay = sink(users={"kim": "hunter2!"}, starttls=authority.contexts["good"])
    how = {"username": "kim", "password": Secret("hunter2!"), "ca_pem": authority.pem}

    found = asking(
        relay_at(relay, Security.STARTTLS, **how), "one@example.org", "two@example.org"
    )

    assert [each.taken for each in found.asked] == [True, True]
    assert [each.reply.code for each in found.asked] == [250, 250]
    assert found.outcome.status == "stopped"
    assert relay.mails == []
    assert len(relay.log_ons) == 1


def test_a_refused_sender_leaves_the_connection_to_the_next(play):
    relay = play(FIRST_IS_REFUSED)

    found = asking(relay_at(relay), "one@example.org", "two@example.org")

    assert relay.surprise is None
    assert relay.connections == 1
    first, second = found.asked
    assert (first.taken, first.reply.code) == (False, 553)
    assert second.taken
    assert "DATA" not in relay.commands


def test_the_ladder_is_that_of_the_refused_one(play):
    found = asking(
        relay_at(play(FIRST_IS_REFUSED)), "one@example.org", "two@example.org"
    )

    steps = {step.stage: step.status for step in found.outcome.steps}
    assert found.outcome.stage == "mail_from"
    assert steps["ehlo"] is StepStatus.OK
    assert steps["mail_from"] is StepStatus.FAILED
    assert steps["rcpt_to"] is StepStatus.SKIPPED
    said = [line.text for line in found.outcome.transcript if line.who == "C"]
    assert said.count("RSET") == 2


def test_a_relay_that_hangs_up_is_asked_anew(play):
    """Each sender has its own answer, whatever the one before brought about."""
    relay = play(HANGS_UP_AT_MAIL)

    found = asking(relay_at(relay), "one@example.org", "two@example.org")

    assert relay.connections == 2
    assert [each.reply.code for each in found.asked] == [421, 421]


def test_a_relay_that_lets_nobody_in_is_asked_once(play):
    relay = play("greets_with_554.txt")

    found = asking(relay_at(relay), "one@example.org", "two@example.org")

    assert relay.connections == 1
    assert [each.taken for each in found.asked] == [False]
    assert found.outcome.stage == "banner"
