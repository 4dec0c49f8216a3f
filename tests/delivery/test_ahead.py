"""What a relay may answer to commands that were sent together, and must not do to us."""

from __future__ import annotations

import pytest

from portal.delivery.ahead import GROUP_COMMANDS
from portal.delivery.types import FailureKind, Phase, Stage
from tests.delivery.asking import (
    envelope_to,
    in_one_session,
    patience_with,
    relay_at,
    statuses,
    submit,
)

GREETING = "S: 220 relay.test\nC: EHLO *\nS: 250-relay.test\nS: 250 PIPELINING\n"
GROUP = GREETING + "! await DATA\nC: MAIL *\n"
MAIL = "C: MAIL *\nS: 250 OK\nC: RCPT *\nS: 250 OK\nC: DATA\nS: 354 go\nC: (content)\n"
TWO = ("ann@example.net", "bob@example.net")


def test_354_to_nobody_ends_without_a_dot(play):
    """Every RCPT was refused and DATA is taken all the same: RFC 2920 §3.1 would send
    a lone dot, which is a mail to a careless relay. We hang up instead."""
    relay = play(
        GROUP + "S: 250 OK\nC: RCPT *\nS: 550 5.1.1 Not here\nC: RCPT *\n"
        "S: 450 4.2.1 Busy\nC: DATA\nS: 354 go\nC: (content)\n"
    )

    outcome = submit(relay_at(relay), envelope_to(*TWO))
    relay.close()

    assert outcome.failure.stage is Stage.RCPT_TO
    assert outcome.failure.reply.code == 550
    assert outcome.phase is Phase.BEFORE_DATA
    assert statuses(outcome) == ["failed", "deferred"]
    assert relay.received.endswith(b"DATA\r\n")
    failed = [line.text for line in outcome.transcript if line.failed]
    assert failed == ["550 5.1.1 Not here"]


def test_354_behind_a_refused_mail_ends_without_a_dot(play):
    relay = play(
        GROUP + "S: 550 5.7.1 Not you\nC: RCPT *\nS: 250 OK\nC: DATA\nS: 354 go\n"
        "C: (content)\n"
    )

    outcome = submit(relay_at(relay))
    relay.close()

    assert outcome.failure.stage is Stage.MAIL_FROM
    assert statuses(outcome) == ["failed"]
    assert relay.received.endswith(b"DATA\r\n")


def test_answers_behind_a_refused_mail_are_read(play):
    """They must not be taken for the next mail's: RSET, and the session goes on."""
    relay = play(
        GROUP + "S: 451 4.3.0 Later\nC: RCPT *\nS: 503 5.5.1 No\nC: DATA\n"
        "S: 503 5.5.1 No\nC: RSET\nS: 250 OK\n" + MAIL + "S: 250 2.0.0 OK 2\n"
        "C: QUIT\nS: 221 Bye\n"
    )

    _, (first, second) = in_one_session(relay_at(relay), 2)

    assert first.failure.reply.code == 451
    assert second.status == "sent"
    assert str(second.reply) == "250 2.0.0 OK 2"
    assert relay.surprise is None
    assert relay.connections == 1


@pytest.mark.parametrize(
    "rest",
    [
        "S: 503 No\n! close\n",
        "S: 421 4.3.2 Closing\n! silence\n",
        "! raw SSH-2.0\\r\\n\nS: 503 No\n! silence\n",
        "! silence\n",
        "! raw 503\n! silence\n",
    ],
)
def test_trouble_behind_a_refusal_costs_the_connection_only(play, rest):
    """The refusal stays what happened; nobody waits for a RSET that is not heard."""
    relay = play(GROUP + "S: 550 5.7.1 Not you\n" + rest)

    session, ends = in_one_session(relay_at(relay), 2)
    relay.close()

    assert len(ends) == 1
    assert ends[0].failure.stage is Stage.MAIL_FROM
    assert ends[0].failure.kind is FailureKind.REPLY
    assert ends[0].failure.reply.code == 550
    assert "RSET" not in relay.commands
    assert not session.usable


@pytest.mark.parametrize(
    ("dialog", "stage", "ends"),
    [
        ("S: 421 4.3.2 Closing\n! close\n", Stage.MAIL_FROM, ["deferred", "deferred"]),
        (
            "S: 250 OK\nC: RCPT *\nS: 421 4.3.2 Closing\n! close\n",
            Stage.RCPT_TO,
            ["deferred", "untried"],
        ),
        (
            "S: 250 OK\nC: RCPT *\nS: 250 OK\nC: RCPT *\nS: 250 OK\nC: DATA\n"
            "S: 421 4.3.2 Closing\n! silence\n",
            Stage.DATA,
            ["deferred", "deferred"],
        ),
    ],
)
def test_421_closes_wherever_it_comes(play, dialog, stage, ends):
    relay = play(GROUP + dialog)

    outcome = submit(relay_at(relay), envelope_to(*TWO), limits=patience_with(relay))

    assert outcome.failure.stage is stage
    assert outcome.failure.reply.code == 421
    assert statuses(outcome) == ends
    assert "QUIT" not in relay.commands
    failed = [line.text for line in outcome.transcript if line.failed]
    assert failed == ["421 4.3.2 Closing"]


# what the relay does in the middle of its answers: kind
IN_THE_MIDDLE = {
    "! close\n": FailureKind.CLOSED,
    "! raw 250 O\n! close\n": FailureKind.CLOSED,
    "! silence\n": FailureKind.TIMEOUT,
    "! drip 250 this reply takes its time and comes too late\n": FailureKind.TIMEOUT,
    "! raw 250-OK\\r\\n\n! silence\n": FailureKind.TIMEOUT,
    "! raw \\xff\\xfe\\r\\n\n! silence\n": FailureKind.PROTOCOL,
}


@pytest.mark.parametrize("act", IN_THE_MIDDLE)
def test_answers_that_stop_half_way(play, act):
    """Before the dot: nothing was sent, and who was accepted is tried again."""
    relay = play(GROUP + "S: 250 OK\nC: RCPT *\nS: 250 OK\nC: RCPT *\n" + act)

    outcome = submit(relay_at(relay), envelope_to(*TWO), limits=patience_with(relay))
    relay.close()

    assert outcome.failure.stage is Stage.RCPT_TO
    assert outcome.failure.kind is IN_THE_MIDDLE[act]
    assert statuses(outcome) == ["deferred", "untried"]
    assert relay.received.endswith(b"DATA\r\n")
    said = [line.text.split()[0] for line in outcome.transcript if line.who == "C"]
    assert said == ["EHLO", "MAIL", "RCPT", "RCPT", "DATA"]
    assert sum(line.failed for line in outcome.transcript) == 1


def test_one_answer_too_many_is_not_the_next_mails(play):
    """A relay that says more than it was asked gets no second mail."""
    relay = play(GREETING + MAIL + "! join\nS: 250 OK\nS: 250 one more\n! silence\n")

    session, ends = in_one_session(relay_at(relay), 2)

    assert [end.status for end in ends] == ["sent"]
    assert not session.usable


def test_refusal_that_comes_along_with_354_is_heard(play):
    """In one packet: the content is not sent, and the mail not in doubt."""
    relay = play(
        GROUP + "! join\nS: 250 OK\nC: RCPT *\n! join\nS: 250 OK\nC: DATA\n! join\n"
        "S: 354 go\nS: 552 5.3.4 Too big\n! silence\n"
    )

    outcome = submit(relay_at(relay), limits=patience_with(relay))
    relay.close()

    assert outcome.failure.reply.code == 552
    assert outcome.phase is Phase.CONTENT
    assert statuses(outcome) == ["failed"]
    assert b"\r\n.\r\n" not in relay.received


def test_too_many_recipients_stays_as_it_was_said(play):
    """452 4.5.3 to the last ones: the others get the mail (RFC 5321 §4.5.3.1.10)."""
    relay = play(
        GROUP + "S: 250 OK\nC: RCPT *\nS: 250 OK\nC: RCPT *\n"
        "S: 452 4.5.3 Too many recipients\nC: DATA\nS: 354 go\nC: (content)\n"
        "S: 250 OK\nC: QUIT\nS: 221 Bye\n"
    )

    outcome = submit(relay_at(relay), envelope_to(*TWO))

    assert outcome.status == "partial"
    assert statuses(outcome) == ["sent", "deferred"]
    assert outcome.recipients[1].reply.enhanced == "4.5.3"
    assert relay.surprise is None


def test_thousand_recipients_go_in_groups(play):
    """None is longer than agreed, and long answers block neither side."""
    count = 1000
    taken = "C: RCPT *\n! many 20000 250-2.1.5 and so on\nS: 250 OK\n"
    relay = play(
        f"{GREETING}C: MAIL *\nS: 250 OK\n{taken * count}"
        "C: DATA\nS: 354 go\nC: (content)\nS: 250 OK\nC: QUIT\nS: 221 Bye\n"
    )

    outcome = submit(
        relay_at(relay), envelope_to(*(f"r{n}@example.net" for n in range(count)))
    )

    assert set(statuses(outcome)) == {"sent"}
    assert relay.surprise is None
    groups = [read.count(b"\r\n") for read in relay.reads[1:-3]]
    assert max(groups) <= GROUP_COMMANDS
    assert len(groups) <= count // GROUP_COMMANDS + 5
