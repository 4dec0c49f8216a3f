"""Which test or mail of this tenant a received mail is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from portal.address import BadAddress, parse_mailbox
from portal.mail.received.reading import ReceivedMail
from portal.services.actor import Actor
from portal.services.domains.proof.types import Tied
from portal.store.fields import now
from portal.store.models import LiveTest, Message, Recipient

_SENT_WITHIN = timedelta(days=30)
_MOST_TESTS, _MOST_MAILS = 30, 100  # the newest, for what a relay answered
_MOST_NAMED = 5  # ids and addresses of the mail that are looked up
# Google and Microsoft keep the Message-ID that they replace.
_ORIGINALS = (
    "x-google-original-message-id",
    "x-microsoft-original-message-id",
    "x-original-message-id",
)
_TO = ("to", "cc", "delivered-to", "x-original-to", "envelope-to")
_MESSAGE_ID = re.compile(r"<[!-;=?-~]{1,318}>")
_ADDRESS = re.compile(r"[^\s<>,;:()\"@]{1,64}@[^\s<>,;:()\"@]{1,255}")
# Some relays (Amazon SES) put in a Message-ID of their own, made of what they answered.
_OF_A_RELAY = re.compile(r"<([\w.-]{16,200})@")
_WORD = re.compile(r"[\w.-]{16,200}")


def tied(actor: Actor, mail: ReceivedMail) -> Tied | None:
    """By its Message-ID: the one we gave it, or the one that a relay put in its place."""
    for given in _ids(mail):
        found = _test(actor, given) or _message(actor, given)
        if found is not None:
            return found
    own = _OF_A_RELAY.match(mail.message_id or "")
    if own is None:
        return None
    return _answered_test(actor, own[1]) or _answered_mail(actor, own[1], mail)


def _ids(mail: ReceivedMail) -> list[str]:
    kept = (
        _MESSAGE_ID.search(text) for name in _ORIGINALS for text in mail.texts(name)
    )
    found = [mail.message_id, *(each[0] for each in kept if each)]
    return list(dict.fromkeys(each for each in found if each))[:_MOST_NAMED]


def _test(actor: Actor, message_id: str) -> Tied | None:
    test = LiveTest.get_or_none(
        LiveTest.message_id == message_id, LiveTest.tenant == actor.here.id
    )
    return _of_test(test) if test else None


def _message(actor: Actor, message_id: str) -> Tied | None:
    message = Message.get_or_none(
        Message.tenant == actor.here.id,
        Message.accepted_at > now() - _SENT_WITHIN,
        Message.message_id == message_id,
    )
    return _of_message(message) if message else None


def _answered_test(actor: Actor, given: str) -> Tied | None:
    tests = (
        LiveTest.select()
        .where(LiveTest.tenant == actor.here.id, LiveTest.state == "done")
        .order_by(LiveTest.created_at.desc())
        .limit(_MOST_TESTS)
    )
    replies = ((test, (test.outcome or {}).get("reply")) for test in tests)
    found = next((test for test, said in replies if _says(said, given)), None)
    return _of_test(found, by_reply=True) if found else None


def _answered_mail(actor: Actor, given: str, mail: ReceivedMail) -> Tied | None:
    """Of those that went to whom this one is addressed, the newest of each."""
    for address in _addresses(mail):
        sent = (
            Recipient.select(Recipient.message, Recipient.reply)
            .where(
                Recipient.tenant == actor.here.id,
                Recipient.address == address,
                Recipient.state == "sent",
            )
            .order_by(Recipient.id.desc())
            .limit(_MOST_MAILS)
        )
        found = next((row for row in sent if _says(row.reply, given)), None)
        if found is not None:
            return _of_message(found.message, by_reply=True)
    return None


def _addresses(mail: ReceivedMail) -> Iterable[str]:
    texts = (text for name in _TO for text in mail.texts(name))
    found = (each for text in texts for each in _ADDRESS.findall(text))
    known = dict.fromkeys(filter(None, map(_mailbox, found)))
    return list(known)[:_MOST_NAMED]


def _mailbox(text: str) -> str | None:
    try:
        return str(parse_mailbox(text))
    except BadAddress:
        return None


def _says(reply: Mapping[str, Any] | None, given: str) -> bool:
    """What the relay said when it took the mail."""
    said = _WORD.findall(str((reply or {}).get("text", "")))
    return given in (each.strip(".-") for each in said)


def _of_test(test: LiveTest, *, by_reply: bool = False) -> Tied:
    sender = test.sender if test.sender and not test.sender.deleted_at else None
    return Tied(
        kind="test",
        id=test.public_id,
        at=test.created_at,
        by_reply=by_reply,
        sender_id=sender.public_id if sender else None,
        provider_id=test.settings.get("provider") or "",
    )


def _of_message(message: Message, *, by_reply: bool = False) -> Tied:
    at = message.accepted_at
    return Tied(kind="message", id=message.public_id, at=at, by_reply=by_reply)
