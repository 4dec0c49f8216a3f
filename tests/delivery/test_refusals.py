"""A relay that says no: at each command, and after the dot."""

from __future__ import annotations

import pytest

from portal.delivery.types import FailureKind, Phase, Stage
from portal.mail.types import Envelope
from tests.delivery.asking import (
    BIG,
    PATIENT,
    envelope_to,
    reached,
    relay_at,
    statuses,
    submit,
    text_of,
)

THREE = ("ann@example.net", "bob@example.net", "cyd@example.net")

# dialog: stage, code, what becomes of the recipient, the last command
REFUSALS = {
    "greets_with_554.txt": (Stage.BANNER, 554, "untried", "QUIT"),
    "says_451_at_mail.txt": (Stage.MAIL_FROM, 451, "deferred", "QUIT"),
    "says_553_at_mail.txt": (Stage.MAIL_FROM, 553, "failed", "QUIT"),
    "says_451_to_data.txt": (Stage.DATA, 451, "deferred", "QUIT"),
    "says_554_to_data.txt": (Stage.DATA, 554, "failed", "QUIT"),
    "says_451_after_the_dot.txt": (Stage.POST_DATA, 451, "deferred", "QUIT"),
    "says_554_after_the_dot.txt": (Stage.POST_DATA, 554, "failed", "QUIT"),
    "greets_with_421.txt": (Stage.BANNER, 421, "untried", None),
    "says_421_at_mail.txt": (Stage.MAIL_FROM, 421, "deferred", "MAIL"),
}


@pytest.mark.parametrize("dialog", REFUSALS)
def test_refusal_is_told_where_it_happens(play, dialog):
    """Stage, code, words, and what the first digit makes of the recipient."""
    stage, code, status, last = REFUSALS[dialog]
    relay = play(dialog)

    outcome = submit(relay_at(relay))

    assert outcome.status == "failed"
    assert outcome.stage is stage
    assert outcome.failure.stage is stage
    assert outcome.failure.kind is FailureKind.REPLY
    assert outcome.failure.reply.code == code
    assert outcome.failure.reply.enhanced is not None
    assert statuses(outcome) == [status]
    assert relay.surprise is None
    assert (relay.commands[-1].split()[0] if relay.commands else None) == last
    failed = [line.text for line in outcome.transcript if line.failed]
    assert len(failed) == 1
    assert failed[0].startswith(str(code))
    assert reached(outcome)[-1] is stage


def test_answer_after_the_dot_is_of_another_phase_than_before(play):
    """451 to DATA and 451 after the dot: the same words, not the same place."""
    before = submit(relay_at(play("says_451_to_data.txt")))
    after = submit(relay_at(play("says_451_after_the_dot.txt")))

    assert before.failure.phase is Phase.BEFORE_DATA
    assert after.failure.phase is Phase.ANSWERED


def test_one_of_three_is_refused(play):
    """The others go on; the refused one keeps its own answer."""
    relay = play("refuses_one_of_three.txt")

    outcome = submit(relay_at(relay), envelope_to(*THREE))

    assert outcome.status == "partial"
    assert statuses(outcome) == ["sent", "failed", "sent"]
    assert str(outcome.recipients[1].reply) == "550 5.1.1 No such mailbox"
    assert outcome.failure.stage is Stage.RCPT_TO
    assert outcome.failure.reply.code == 550
    assert len(relay.contents) == 1
    assert relay.surprise is None


def test_one_of_three_is_greylisted(play):
    relay = play("greylists_one_of_three.txt")

    outcome = submit(relay_at(relay), envelope_to(*THREE))

    assert outcome.status == "partial"
    assert statuses(outcome) == ["sent", "deferred", "sent"]


def test_mark_names_who_the_dot_is_for(play):
    """What the engine makes durable: the accepted, and the answers of the others."""
    marks = []

    async def remember(mark):
        marks.append(mark)
        return True

    relay = relay_at(play("refuses_one_of_three.txt"))
    submit(relay, envelope_to(*THREE), before_dot=remember)

    assert len(marks) == 1
    assert marks[0].accepted == (THREE[0], THREE[2])
    assert [result.address for result in marks[0].refused] == [THREE[1]]


def test_all_recipients_refused_means_no_data(play):
    """RSET instead, and each by its own code."""
    relay = play("refuses_every_rcpt.txt")

    outcome = submit(relay_at(relay), envelope_to(*THREE[:2]))

    assert outcome.status == "failed"
    assert outcome.failure.stage is Stage.RCPT_TO
    assert outcome.failure.reply.code == 550
    assert statuses(outcome) == ["failed", "deferred"]
    assert relay.commands[-2:] == ["RSET", "QUIT"]
    assert "DATA" not in relay.commands


def test_421_at_the_second_recipient_closes(play):
    """The first was accepted and not sent: tried again, like the second."""
    relay = play("says_421_at_rcpt.txt")

    outcome = submit(relay_at(relay), envelope_to(*THREE))

    assert outcome.failure.stage is Stage.RCPT_TO
    assert outcome.failure.reply.code == 421
    assert statuses(outcome) == ["deferred", "deferred", "untried"]
    assert "QUIT" not in relay.commands


def test_250_to_data_is_no_permission(play):
    """Only 354 is (RFC 5321 §4.1.1.4): no content goes out, nothing is sent."""
    relay = play("says_250_to_data.txt")

    outcome = submit(relay_at(relay))

    assert outcome.status == "failed"
    assert outcome.failure.stage is Stage.DATA
    assert outcome.failure.kind is FailureKind.PROTOCOL
    assert statuses(outcome) == ["deferred"]
    assert relay.contents == []


def test_252_after_the_dot_is_success(play):
    """Any 2yz is; a library that knows 250 only would send the mail again."""
    outcome = submit(relay_at(play("says_252_after_the_dot.txt")))

    assert outcome.status == "sent"
    assert outcome.reply.code == 252


def test_refusal_in_mid_content_is_heard(play):
    """A 552 while we write: the rest is not sent, nor the dot."""
    relay = play("refuses_in_mid_content.txt")

    outcome = submit(relay_at(relay), content=BIG)

    assert outcome.status == "failed"
    assert outcome.failure.stage is Stage.DATA
    assert outcome.failure.phase is Phase.CONTENT
    assert outcome.failure.reply.code == 552
    assert statuses(outcome) == ["failed"]
    assert b"\r\n.\r\n" not in relay.received


def test_message_too_large_is_refused_by_us(play):
    """The relay says its limit in EHLO: MAIL is not even sent."""
    relay = play(
        "S: 220 relay.test\nC: EHLO *\nS: 250-relay.test\nS: 250 SIZE 1000\n"
        "C: QUIT\nS: 221 Bye\n"
    )

    outcome = submit(relay_at(relay), content=BIG)

    assert outcome.failure.stage is Stage.MAIL_FROM
    assert outcome.failure.kind is FailureKind.REFUSED_BY_US
    assert "1,000 bytes" in outcome.failure.words
    assert statuses(outcome) == ["failed"]
    assert relay.surprise is None


@pytest.mark.parametrize(
    ("envelope", "content", "word"),
    [
        (envelope_to("jürgen@example.net"), b"Subject: x\r\n\r\n", "SMTPUTF8"),
        (
            envelope_to("lee@example.net", "jürgen@example.net"),
            b"Subject: x\r\n\r\n",
            "The address jürgen@example.net is not ASCII",
        ),
        (
            envelope_to(),
            "To: jürgen@example.net\r\n\r\n".encode(),
            "An address in the header is not ASCII",
        ),
        (envelope_to(), "Subject: x\r\n\r\nGrüße\r\n".encode(), "8BITMIME"),
        (envelope_to(), b"Subject: x\r\n\r\na\nb\r\n", "CRLF"),
        (envelope_to(), b"Subject: x\r\n\r\na\rb\r\n", "CRLF"),
        (envelope_to(), b"Subject: x\r\n\r\na\0b\r\n", "NUL"),
        (envelope_to("lee@example.net\r\nDATA"), b"Subject: x\r\n\r\n", "control"),
        (envelope_to("a@b.test> SIZE=1"), b"Subject: x\r\n\r\n", "angle brackets"),
        (
            Envelope(reverse_path="kim@x\r\n", recipients=("a@b.test",)),
            b"Subject: x\r\n\r\n",
            "control",
        ),
    ],
)
def test_what_must_not_be_said_is_refused_by_us(play, envelope, content, word):
    """Neither smuggled nor mangled: no content goes out."""
    relay = play(
        "S: 220 relay.test\nC: EHLO *\nS: 250 relay.test\nC: *\nS: 250 OK\n"
        "C: *\nS: 250 OK\nC: *\nS: 221 Bye\n"
    )

    outcome = submit(relay_at(relay), envelope, content)

    assert outcome.status == "failed"
    assert outcome.failure.kind is FailureKind.REFUSED_BY_US
    assert word in outcome.failure.words
    assert "DATA" not in relay.commands


def test_relay_text_is_made_harmless(play):
    """Bytes that are no UTF-8, escape sequences, text that turns around."""
    outcome = submit(relay_at(play("says_bad_utf8_after_the_dot.txt")))

    assert outcome.status == "sent"
    assert outcome.reply.text == "2.0.0 q\\xff\ufffd[31m\ufffd \ufffdok"
    text_of(outcome).encode()


def test_five_megabytes_of_reply_are_success(play):
    """Length never matters: the code decides, the text is cut."""
    outcome = submit(relay_at(play("says_too_much_after_the_dot.txt")), limits=PATIENT)

    assert outcome.status == "sent"
    assert len(outcome.reply.text) <= 1000
    assert outcome.reply.text.count("\n") < 20


def test_reply_of_one_very_long_line_is_success(play):
    dialog = play("accepts.txt")
    lines = "\n".join(dialog._lines)
    long = lines.replace("queued as 7d1f0c52", "x" * 100_000)

    outcome = submit(relay_at(play(long)))

    assert outcome.status == "sent"
    assert len(outcome.reply.text) <= 1000
