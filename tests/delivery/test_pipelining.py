"""A relay that offers PIPELINING: the same ends as without it, in fewer round trips."""

from __future__ import annotations

from dataclasses import replace

import pytest

from portal.delivery.ladder import SUBMISSION
from portal.delivery.types import Line, Outcome, Stage
from tests.delivery.asking import (
    BIG,
    CONTENT,
    envelope_to,
    in_one_session,
    patience_with,
    reached,
    relay_at,
    statuses,
    submit,
)
from tests.delivery.test_lost import LOST_AFTER_THE_DOT, LOST_BEFORE_THE_DOT, slowly
from tests.delivery.test_refusals import REFUSALS, THREE

ONE = (
    *REFUSALS,
    *LOST_AFTER_THE_DOT,
    "accepts.txt",
    "says_250_to_data.txt",
    "says_252_after_the_dot.txt",
    "says_bad_utf8_after_the_dot.txt",
    "says_too_much_after_the_dot.txt",
)
SEVERAL = (
    "refuses_one_of_three.txt",
    "greylists_one_of_three.txt",
    "says_421_at_rcpt.txt",
)


def alike(outcome: Outcome) -> Outcome:
    """What must not differ: all but times, the offers, and what came too late."""
    failed = [at for at, line in enumerate(outcome.transcript) if line.failed]
    told = outcome.transcript[: failed[0] + 1] if failed else outcome.transcript
    steps = [
        (step.stage, step.status, step.stage in SUBMISSION and (step.said, step.reply))
        for step in outcome.steps
    ]
    offer = Line(who="S", text="250-PIPELINING")
    return replace(
        outcome,
        transcript=tuple(line for line in told if line != offer),
        steps=steps,
        facts=None,
    )


@pytest.mark.parametrize("dialog", ONE)
def test_ends_are_the_same_with_pipelining(play, dialog):
    """Status, stage, failure, phase, recipients, steps and the story told."""
    plain, ahead = play(dialog), play(dialog, pipelining=True)

    one = submit(relay_at(plain), limits=patience_with(plain))
    other = submit(relay_at(ahead), limits=patience_with(ahead))

    assert alike(other) == alike(one)
    assert ahead.surprise is None
    assert other.facts.ehlo[:1] == ("PIPELINING",) or not other.facts.ehlo


@pytest.mark.parametrize("dialog", SEVERAL)
def test_each_recipient_ends_the_same_with_pipelining(play, dialog):
    plain, ahead = play(dialog), play(dialog, pipelining=True)

    one = submit(relay_at(plain), envelope_to(*THREE))
    other = submit(relay_at(ahead), envelope_to(*THREE))

    assert alike(other) == alike(one)
    assert ahead.contents == plain.contents


@pytest.mark.parametrize("dialog", LOST_BEFORE_THE_DOT)
def test_lost_before_the_dot_is_not_sent_with_pipelining(play, dialog):
    stage, kind, status = LOST_BEFORE_THE_DOT[dialog]
    relay = play(dialog, pipelining=True)

    outcome = submit(
        relay_at(relay),
        content=BIG,
        limits=patience_with(relay),
        before_dot=slowly,
    )

    assert outcome.status == "failed"
    assert outcome.failure.stage is stage
    assert outcome.failure.kind is kind
    assert statuses(outcome) == [status]


def test_all_refused_ends_the_same_with_pipelining(play):
    """The 503 to DATA is read before RSET, and belongs to nobody."""
    dialog = "refuses_every_rcpt.txt"
    plain, ahead = play(dialog), play(dialog, pipelining=True)

    one = submit(relay_at(plain), envelope_to(*THREE[:2]))
    other = submit(relay_at(ahead), envelope_to(*THREE[:2]))

    assert alike(other) == alike(one)
    assert ahead.commands[-3:] == ["DATA", "RSET", "QUIT"]
    assert ahead.surprise is None


def test_envelope_and_data_are_one_write(play):
    """RFC 2920 §3.1. The relay answers nothing until it has seen DATA."""
    relay = play(
        "S: 220 relay.test\nC: EHLO *\nS: 250-relay.test\nS: 250 PIPELINING\n"
        "! await DATA\n! join\n"
        "C: MAIL FROM:<kim@example.org>\nS: 250 OK\nC: RCPT TO:<*>\nS: 250 OK\n"
        "C: RCPT TO:<*>\nS: 250 OK\nC: DATA\nS: 354 go\nC: (content)\nS: 250 OK\n"
        "C: QUIT\nS: 221 Bye\n"
    )

    outcome = submit(relay_at(relay), envelope_to(*THREE[:2]))

    assert outcome.status == "sent"
    assert relay.surprise is None
    assert (
        b"MAIL FROM:<kim@example.org>\r\nRCPT TO:<ann@example.net>\r\n"
        b"RCPT TO:<bob@example.net>\r\nDATA\r\n"
    ) in relay.reads


def test_story_reads_as_a_dialogue(play):
    """Each answer stands under its question, though they crossed on the wire."""
    outcome = submit(relay_at(play("accepts.txt", pipelining=True)))

    told = [f"{line.who}: {line.text}" for line in outcome.transcript]
    assert told[6:] == [
        f"C: MAIL FROM:<kim@example.org> SIZE={len(CONTENT)}",
        "S: 250 2.1.0 OK",
        "C: RCPT TO:<lee@example.net>",
        "S: 250 2.1.5 OK",
        "C: DATA",
        "S: 354 End data with <CR><LF>.<CR><LF>",
        f"C: ({len(CONTENT)} bytes of content)",
        "C: .",
        "S: 250 2.0.0 OK queued as 7d1f0c52",
        "C: QUIT",
        "S: 221 2.0.0 Bye",
    ]


def test_nothing_is_sent_ahead_where_it_is_not_offered(play):
    relay = play("accepts.txt")

    submit(relay_at(relay))

    assert [read for read in relay.reads if read.count(b"\r\n") > 1] == [
        b"Subject: hi\r\n\r\n..one dot\r\nhi\r\n.\r\n"
    ]


@pytest.mark.parametrize("stage", [Stage.MAIL_FROM, Stage.RCPT_TO, Stage.DATA])
def test_nothing_is_sent_ahead_past_the_stop(play, stage):
    """What comes after the stage asked for is not even said."""
    relay = play("accepts.txt", pipelining=True)

    outcome = submit(relay_at(relay), stop_after=stage)
    relay.close()

    assert outcome.status == "stopped"
    assert outcome.stage is stage
    assert reached(outcome)[-1] is stage
    words = [line.split()[0] for line in relay.commands]
    assert ("RCPT" in words) == (stage is not Stage.MAIL_FROM)
    assert ("DATA" in words) == (stage is Stage.DATA)
    assert relay.contents == []
    assert b"Subject" not in relay.received


def test_a_mail_alone_is_two_round_trips(play):
    """The relay reads twice: the envelope with DATA, the content with its dot. The
    second mail of a connection needs no more."""
    relay = play("accepts_two_mails.txt", pipelining=True)

    in_one_session(relay_at(relay), 2)
    relay.close()

    assert [read.split()[0] for read in relay.reads] == [
        b"EHLO",
        *[b"MAIL", b"Subject:"],
        *[b"MAIL", b"Subject:"],
        b"QUIT",
    ]
    assert relay.surprise is None
