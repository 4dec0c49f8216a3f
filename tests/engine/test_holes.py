"""What only a running engine may get wrong: connections, and the time before a dot."""

from __future__ import annotations

import asyncio
import dataclasses
import threading

import pytest

from portal.services import senders
from portal.store.models import Attempt
from tests.engine.conftest import PATIENCE_S, PATIENT, until
from tests.relays.sink import Sink

pytestmark = pytest.mark.usefixtures("both_databases")


@dataclasses.dataclass
class Thoughtful(Sink):
    """Takes its time behind the dot of one recipient, until `may_answer`."""

    slow: str = "slow@example.com"
    thinks: bool = False
    may_answer: threading.Event = dataclasses.field(default_factory=threading.Event)
    quits: int = 0

    async def handle_DATA(self, server, session, envelope) -> str:
        if self.slow in envelope.rcpt_tos:
            self.thinks = True
            await asyncio.to_thread(self.may_answer.wait, PATIENCE_S)
        return await super().handle_DATA(server, session, envelope)

    async def handle_QUIT(self, server, session, envelope) -> str:
        self.quits += 1
        return "221 Bye"


def test_hole_7_spare_busy(engine, post, owner, sink):
    """A move closes the idle connections of the old version. One that owes an answer
    to a dot is no idle one: closing it would make the mail uncertain by our doing."""
    with Thoughtful() as old:
        post.through(old)
        new = sink()
        other = post.make.sender(post.tenant, host=new.host, port=new.port).sender
        post.through(old)
        engine(PATIENT)
        slow = post.mail(old.slow)
        until(lambda: old.thinks)
        quick = post.mail()  # over a second connection, which is idle behind it
        post.until(quick, "sent")

        saved = senders.activate(owner, other.public_id, 1, patience_s=0)

        assert (saved.waiting.waiting, saved.waiting.uncertain) == (1, 0)
        until(lambda: old.quits)
        assert post.states(slow) == ["sending"]
        old.may_answer.set()
        post.until(slow, "sent")
        assert [event.event for event in post.events(slow)] == ["email.sent"]


def test_line_11_half_a_lease_must_be_left_for_the_dot(engine, post, sink):
    """A worker that stood still between mark and dot keeps silent, and says so."""
    relay = sink()
    post.through(relay)
    engine(dataclasses.replace(PATIENT, lease_s=0.001))

    message = post.mail()

    post.until(message, "deferred")
    (attempt,) = post.attempts(message)
    assert attempt.dot_at is not None
    assert attempt.answer == "not_kept"
    assert relay.mails == []
    assert post.recipients(message)[0].uncertain_count == 0


def test_lines_26_and_27_no_old_connection_is_used_behind_a_move(
    engine, post, owner, sink
):
    old, new = Thoughtful(), sink()
    with old:
        other = post.make.sender(post.tenant, host=new.host, port=new.port).sender
        post.through(old)
        engine(PATIENT)
        first = post.mail()
        post.until(first, "sent")

        saved = senders.activate(owner, other.public_id, 1)

        assert (saved.waiting.waiting, saved.waiting.uncertain) == (0, 0)
        until(lambda: old.quits)
        second = post.mail()
        post.until(second, "sent")
        assert (len(old.mails), len(new.mails)) == (1, 1)
        fences = [row.claimed_fence for row in Attempt.select().order_by(Attempt.id)]
        assert fences[1] == fences[0] + 1
