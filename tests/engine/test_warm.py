"""Connections that rest between two mails: kept, asked, let go, never in the way."""

from __future__ import annotations

import asyncio
import time

import pytest

from portal.delivery.conversation import Session, always, connect
from portal.delivery.types import Limits
from portal.engine.lane import IDLE_S, MAILS, RESTED_S, LaneState, Warm
from portal.net.open import OpenNet
from portal.services.outbox.lanes import Lane
from portal.services.outbox.timing import Timing
from portal.services.senders.kinds import RouteKind
from tests.delivery.asking import CONTENT, envelope_to, relay_at

LIMITS = Limits.every(0.3, 5)
FIRST = (
    "S: 220 relay.test\nC: EHLO *\nS: 250-relay.test\nS: 250 PIPELINING\n"
    "C: MAIL *\nS: 250 OK\nC: RCPT *\nS: 250 OK\nC: DATA\nS: 354 go\n"
    "C: (content)\nS: 250 OK\n"
)
# what the relay does with the second mail of a connection
BREAKS_OFF = {
    "421 to MAIL": "C: MAIL *\nS: 421 4.4.2 Idle for too long\n! close\n",
    "421 to MAIL, connection kept": "C: MAIL *\nS: 421 4.4.2 Later\n! silence\n",
    "closes at MAIL": "C: MAIL *\n! close\n",
    "resets at MAIL": "C: MAIL *\n! reset\n",
    "closed while idle": "! close\n",
    "421 while idle": "S: 421 4.4.2 Timeout\n! close\n",
    "421 while idle, connection kept": "S: 421 4.4.2 Timeout\n! silence\n",
}


@pytest.mark.parametrize("end", BREAKS_OFF)
def test_a_relay_that_ends_a_reused_connection_costs_no_attempt(
    engine, post, play, end
):
    """The mail goes over a new one, in the same attempt, and no breaker opens."""
    relay = play(FIRST + BREAKS_OFF[end])
    post.through(relay)
    engine()
    first = post.mail()
    post.until(first, "sent")

    second = post.mail()

    post.until(second, "sent")
    assert relay.connections == 2
    (attempt,) = post.attempts(second)
    assert attempt.outcome == "sent"
    assert len(relay.contents) == 2


def test_421_to_the_first_mail_of_a_connection_is_trouble_of_the_sender(
    engine, post, play
):
    """Nothing was stale there: connecting again at once would never end."""
    relay = play(
        "S: 220 relay.test\nC: EHLO *\nS: 250 relay.test\nC: MAIL *\n"
        "S: 421 4.3.2 Not now\n! close\n"
    )
    post.through(relay)
    engine(Timing(breaker_s=(3600,), poll_s=0.02))

    message = post.mail()

    post.until(message, "deferred")
    assert relay.connections == 1
    assert post.recipients(message)[0].tries == 0


def rested(relay, rest_s: float, *, carried: int = 0) -> tuple[Warm | None, Session]:
    """What the lane hands out after a rest of so many seconds."""

    async def run() -> tuple[Warm | None, Session]:
        session = await connect(relay, OpenNet(), lambda step: None, limits=LIMITS)
        await session.submit(
            envelope_to(), CONTENT, always, lambda step: None, limits=LIMITS
        )
        warm = Warm(session=session, relay=relay, provider=None, carried=carried)
        state = LaneState(Lane(route=RouteKind.SENDER, version_id=1), Timing())
        await state.keep(warm)
        warm.idle_since = time.monotonic() - rest_s
        found = await state.take_warm(probe_s=LIMITS.command_s)
        await session.close()
        return found, session

    return asyncio.run(run())


def test_after_a_short_rest_nothing_is_asked(play):
    """No round trip more than the mail itself needs."""
    relay = play(FIRST + "C: QUIT\nS: 221 Bye\n")

    warm, _ = rested(relay_at(relay), RESTED_S / 2)
    relay.close()

    assert warm is not None
    assert "NOOP" not in relay.commands
    assert relay.surprise is None


def test_after_a_longer_rest_the_relay_is_asked(play):
    relay = play(FIRST + "C: NOOP\nS: 250 OK\nC: QUIT\nS: 221 Bye\n")

    warm, _ = rested(relay_at(relay), RESTED_S + 1)

    assert warm is not None
    assert relay.commands[-2:] == ["NOOP", "QUIT"]
    assert relay.surprise is None


@pytest.mark.parametrize(
    "answer",
    ["S: 421 4.4.2 Bye\n! silence\n", "! close\n", "! silence\n", "! raw x\\r\\n\n"],
)
def test_one_that_does_not_answer_well_is_let_go(play, answer):
    """The next mail does not wait for it longer than the probe's own patience."""
    relay = play(FIRST + "C: NOOP\n" + answer)

    warm, session = rested(relay_at(relay), RESTED_S + 1)

    assert warm is None
    assert not session.usable


def test_one_that_rested_too_long_is_closed(play):
    relay = play(FIRST + "C: QUIT\nS: 221 Bye\n")

    warm, session = rested(relay_at(relay), IDLE_S + 1)

    assert warm is None
    assert not session.usable
    assert relay.commands[-1] == "QUIT"


def test_after_so_many_mails_a_connection_is_closed(play):
    relay = play(FIRST + "C: QUIT\nS: 221 Bye\n")

    warm, _ = rested(relay_at(relay), 0, carried=MAILS - 1)

    assert warm is None
    assert relay.commands[-1] == "QUIT"
