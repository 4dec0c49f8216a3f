"""Connections that end, stay silent or speak nonsense: before the dot and after it."""

from __future__ import annotations

import asyncio
import time

import pytest

from portal.delivery.conversation import converse
from portal.delivery.types import FailureKind, Limits, Phase, Stage
from portal.net.open import OpenNet
from tests.delivery.asking import (
    BIG,
    QUICK,
    envelope_to,
    patience_with,
    relay_at,
    statuses,
    submit,
)

# dialog: stage, kind, what becomes of the recipient
LOST_BEFORE_THE_DOT = {
    "closes_before_greeting.txt": (Stage.BANNER, FailureKind.CLOSED, "untried"),
    "says_nothing.txt": (Stage.BANNER, FailureKind.TIMEOUT, "untried"),
    "speaks_ssh.txt": (Stage.BANNER, FailureKind.PROTOCOL, "untried"),
    "closes_at_mail.txt": (Stage.MAIL_FROM, FailureKind.CLOSED, "untried"),
    "closes_after_354.txt": (Stage.DATA, FailureKind.CLOSED, "deferred"),
    "closes_in_mid_content.txt": (Stage.DATA, FailureKind.CLOSED, "deferred"),
    "stops_reading.txt": (Stage.DATA, FailureKind.TIMEOUT, "deferred"),
}
LOST_AFTER_THE_DOT = {
    "closes_after_the_dot.txt": FailureKind.CLOSED,
    "says_nothing_after_the_dot.txt": FailureKind.TIMEOUT,
    "says_no_reply_after_the_dot.txt": FailureKind.PROTOCOL,
    "says_354_after_the_dot.txt": FailureKind.PROTOCOL,
}


async def slowly(mark) -> bool:
    """Time for the relay to hang up before the dot."""
    await asyncio.sleep(0.2)
    return True


async def until(claim) -> None:
    """Waits for the relay's thread."""
    async with asyncio.timeout(10):
        while not claim():  # noqa: ASYNC110, a thread sets it
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("dialog", LOST_BEFORE_THE_DOT)
def test_lost_before_the_dot_is_not_sent(play, dialog):
    """The relay must discard what it has: a safe retry, no doubt."""
    stage, kind, status = LOST_BEFORE_THE_DOT[dialog]
    relay = play(dialog)

    outcome = submit(
        relay_at(relay),
        content=BIG,
        limits=patience_with(relay),
        before_dot=slowly,
    )

    assert outcome.status == "failed"
    assert outcome.failure.stage is stage
    assert outcome.failure.kind is kind
    assert outcome.failure.phase in (Phase.BEFORE_DATA, Phase.CONTENT)
    assert outcome.failure.exception is not None
    assert statuses(outcome) == [status]


@pytest.mark.parametrize("dialog", LOST_AFTER_THE_DOT)
def test_lost_after_the_dot_is_uncertain(play, dialog):
    """The same exceptions as before; now nobody knows (RFC 1047)."""
    relay = play(dialog)

    outcome = submit(relay_at(relay), limits=patience_with(relay))

    assert outcome.status == "uncertain"
    assert outcome.stage is Stage.POST_DATA
    assert outcome.failure.kind is LOST_AFTER_THE_DOT[dialog]
    assert outcome.failure.phase is Phase.DOT
    assert outcome.failure.words.startswith("The final dot is out.")
    assert statuses(outcome) == ["uncertain"]
    assert len(relay.contents) == 1


def test_words_of_an_answer_that_is_none_are_kept(play):
    outcome = submit(relay_at(play("speaks_ssh.txt")))

    assert "SSH-2.0-OpenSSH_9.6p1" in outcome.failure.words


@pytest.mark.parametrize(
    "code", ["25", "2_5", "+25", " 250", "250x", "600", "٢٥٠", "099"]
)
def test_only_three_digits_of_a_reply_are_a_code(play, code):
    """`int()` takes more than RFC 5321 §4.2 does. After the dot it is uncertain."""
    text = "\n".join(play("accepts.txt")._lines)
    dialog = text.replace("250 2.0.0 OK queued", f"{code} 2.0.0 OK queued")

    outcome = submit(relay_at(play(dialog)))

    assert outcome.status == "uncertain"


def test_one_byte_at_a_time_meets_the_limit_of_the_stage(play):
    """The limit is of the whole greeting, not of each byte of it."""
    started = time.monotonic()

    outcome = submit(relay_at(play("drips_its_greeting.txt")), limits=QUICK)

    assert outcome.failure.stage is Stage.BANNER
    assert outcome.failure.kind is FailureKind.TIMEOUT
    assert time.monotonic() - started < 8


def test_whole_conversation_meets_its_deadline(play):
    """Each stage is within its limit, and the whole ends all the same."""
    dialog = "S: 220 relay.test\n" + "C: *\n! drip 250 slow enough\n! raw \\r\\n\n" * 20
    limits = Limits.every(10, 1)
    started = time.monotonic()

    outcome = submit(relay_at(play(dialog)), limits=limits)

    assert outcome.failure.kind is FailureKind.TIMEOUT
    assert 1 <= time.monotonic() - started < 10


def test_withdrawn_before_the_dot_is_never_sent(play):
    """`before_dot` says no: the connection is dropped and the dot not written."""
    relay = play("accepts.txt")

    async def no(mark):
        await until(lambda: len(relay.received) > len(BIG) - 64 * 1024)
        return False

    outcome = submit(relay_at(relay), content=BIG, before_dot=no)
    relay.close()

    assert outcome.status == "failed"
    assert outcome.failure.stage is Stage.DATA
    assert outcome.failure.kind is FailureKind.WITHDRAWN
    assert statuses(outcome) == ["untried"]
    assert b"\r\n.\r\n" not in relay.received
    assert relay.contents == []


def test_mark_that_cannot_be_made_is_a_no(play):
    relay = play("accepts.txt")

    async def broken(mark):
        raise OSError("disk full")

    outcome = submit(relay_at(relay), before_dot=broken)

    assert outcome.failure.kind is FailureKind.WITHDRAWN
    assert outcome.failure.exception == "OSError"
    assert relay.contents == []


def test_answer_before_the_dot_is_heard_after_the_mark(play):
    """The relay gives up while the mark is made: the dot is not written."""
    relay = play("closes_after_354.txt")

    outcome = submit(relay_at(relay), before_dot=slowly)

    assert outcome.status == "failed"
    assert outcome.failure.phase is Phase.CONTENT
    assert statuses(outcome) == ["deferred"]


def test_cancelled_conversation_leaves_nothing_open(play):
    """Who stops a live test does not leave a connection to the relay."""
    relay = play("says_nothing.txt")

    async def run():
        task = asyncio.ensure_future(
            converse(
                relay_at(relay), OpenNet(), envelope_to(), b"x\r\n", lambda step: None
            )
        )
        await until(lambda: relay.connections)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(run())
    relay.close()

    assert relay.commands == []


def test_nobody_listens():
    """A closed port: what was tried and the system's own words."""

    class Nobody:
        host, port = "127.0.0.1", 9

    outcome = submit(relay_at(Nobody))

    assert outcome.failure.stage is Stage.CONNECT
    assert outcome.failure.kind is FailureKind.NET
    assert outcome.failure.exception == "ConnectionRefusedError"
    assert "Connection refused" in outcome.failure.words
    assert statuses(outcome) == ["untried"]
    assert [step.status for step in outcome.steps] == [
        "ok",
        "failed",
        *["skipped"] * 6,
    ]


def test_second_address_is_tried(sink):
    """`localhost` may be ::1 first; the relay listens on 127.0.0.1."""
    server = sink()

    outcome = submit(relay_at(server, host="localhost"))

    assert outcome.status == "sent"
    assert outcome.facts.address == "127.0.0.1"
