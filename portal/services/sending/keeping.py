"""Content between the words of `mail` and the row that keeps it, frozen."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from portal.address import Named, parse_mailbox
from portal.mail.types import Content
from portal.store.models import Message, MessageContent


def content_row(message_id: int, content: Content) -> dict[str, Any]:
    """The columns of a MessageContent."""
    digest = hashlib.sha256(content.headers)
    digest.update(content.body)
    asked = content.asked_from
    return {
        "message_id": message_id,
        "date": content.date,
        "headers": content.headers,
        "body": content.body,
        "sha256": digest.hexdigest(),
        "eight_bit": content.eight_bit,
        "asked_from": None if asked is None else _pair(asked),
        "asked_reply_to": [_pair(named) for named in content.asked_reply_to],
    }


def load_content(message_id: int) -> Content | None:
    """The content of a message; None when the message is no more."""
    row = (
        MessageContent.select(MessageContent, Message.message_id)
        .join(Message)
        .where(MessageContent.message == message_id)
        .first()
    )
    if row is None:
        return None
    return Content(
        message_id=row.message.message_id,
        date=row.date,
        headers=bytes(row.headers),
        body=bytes(row.body),
        asked_from=_named(row.asked_from),
        asked_reply_to=_all_named(row.asked_reply_to),
        eight_bit=row.eight_bit,
    )


def _pair(named: Named) -> list[str]:
    return [str(named.mailbox), named.name]


def _named(pair: Sequence[str] | None) -> Named | None:
    return None if pair is None else Named(parse_mailbox(pair[0]), pair[1])


def _all_named(pairs: Sequence[Sequence[str]] | None) -> tuple[Named, ...]:
    return tuple(Named(parse_mailbox(pair[0]), pair[1]) for pair in pairs or ())
