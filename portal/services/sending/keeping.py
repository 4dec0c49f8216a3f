"""Content between the words of `mail` and the row that keeps it, frozen."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from portal.address import Named, parse_mailbox
from portal.mail.types import Content
from portal.services.outbox.sql import fetch, loaded
from portal.store.fields import instant

_CONTENT = (
    "SELECT m.message_id, c.date, c.headers, c.body, c.asked_from, c.asked_reply_to,"
    " c.eight_bit FROM message_content c JOIN message m ON m.id = c.message_id"
    " WHERE m.id = ?"
)


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
    rows = fetch(_CONTENT, message_id)
    if not rows:
        return None
    key, date, headers, body, asked_from, asked_reply_to, eight_bit = rows[0]
    return Content(
        message_id=key,
        date=instant(date),
        headers=bytes(headers),
        body=bytes(body),
        asked_from=_named(loaded(asked_from)),
        asked_reply_to=_all_named(loaded(asked_reply_to)),
        eight_bit=bool(eight_bit),
    )


def _pair(named: Named) -> list[str]:
    return [str(named.mailbox), named.name]


def _named(pair: Sequence[str] | None) -> Named | None:
    return None if pair is None else Named(parse_mailbox(pair[0]), pair[1])


def _all_named(pairs: Sequence[Sequence[str]] | None) -> tuple[Named, ...]:
    return tuple(Named(parse_mailbox(pair[0]), pair[1]) for pair in pairs or ())
