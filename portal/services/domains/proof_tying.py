"""Which test or mail of this tenant a received mail is."""

from __future__ import annotations

import re
from datetime import timedelta

from portal.services.actor import Actor
from portal.services.domains.proof_types import Tied
from portal.store.fields import now
from portal.store.models import LiveTest, Message

_SENT_WITHIN = timedelta(days=30)
_MOST_TESTS = 30  # the newest, for what a relay answered
# Some relays (Amazon SES) put in a Message-ID of their own, made of what they answered.
_OF_A_RELAY = re.compile(r"<([\w.-]{16,200})@")


def tied(actor: Actor, message_id: str | None) -> Tied | None:
    """By its Message-ID: the one we gave it, or the one that a relay put in its place."""
    if message_id is None:
        return None
    return (
        _test(actor, message_id)
        or _message(actor, message_id)
        or _answered(actor, message_id)
    )


def _test(actor: Actor, message_id: str) -> Tied | None:
    test = LiveTest.get_or_none(
        LiveTest.message_id == message_id, LiveTest.tenant == actor.here.id
    )
    return _of(test) if test else None


def _message(actor: Actor, message_id: str) -> Tied | None:
    message = Message.get_or_none(
        Message.tenant == actor.here.id,
        Message.accepted_at > now() - _SENT_WITHIN,
        Message.message_id == message_id,
    )
    if message is None:
        return None
    return Tied(kind="message", id=message.public_id, at=message.accepted_at)


def _answered(actor: Actor, message_id: str) -> Tied | None:
    given = _OF_A_RELAY.match(message_id)
    if given is None:
        return None
    tests = (
        LiveTest.select()
        .where(LiveTest.tenant == actor.here.id, LiveTest.state == "done")
        .order_by(LiveTest.created_at.desc())
        .limit(_MOST_TESTS)
    )
    return next((_of(test) for test in tests if given[1] in _words(test)), None)


def _words(test: LiveTest) -> list[str]:
    """What the relay said when it took the mail."""
    reply = (test.outcome or {}).get("reply") or {}
    return str(reply.get("text", "")).split()


def _of(test: LiveTest) -> Tied:
    return Tied(kind="test", id=test.public_id, at=test.created_at)
