"""The mail of the operator's shell: addresses as typed, right or wrong.

What a relay says of a wrong address may be the very point of a try, so nothing
but what could forge a header line or a command is refused here.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime

from portal.mail import fields, guard, parts
from portal.mail.text import text_alternative


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """Header addresses stand as they are here; a name beyond ASCII is encoded."""

    from_: str
    to: Sequence[str]
    subject: str
    text: str | None
    html: str | None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    message_id: str  # with its angle brackets
    content: bytes = field(repr=False)


def write(typed: Typed, *, host: str, now: datetime) -> Written:
    """The bytes of it. `host` ends the Message-ID where From names no domain.

    Raises Invalid, and UnsafeMail if the built bytes are not what was meant.
    """
    _check(typed)
    unique = uuid.uuid4().hex
    message_id = f"<{unique}@{_domain(typed.from_) or host}>"
    text = typed.text
    if text is None:
        text = text_alternative(typed.html or "")
    body = parts.tree(
        text=text, html=typed.html, attachments=(), boundary=f"=_{unique}"
    )
    own = [
        ("From", _shown(typed.from_)),
        ("To", ", ".join(map(_shown, typed.to)) or "undisclosed-recipients:;"),
        ("Date", format_datetime(now)),
        ("Message-ID", message_id),
        ("Auto-Submitted", "auto-generated"),  # RFC 3834 §5
        ("MIME-Version", "1.0"),
    ]
    free = [("Subject", typed.subject), *typed.headers.items()]
    block = b"".join(
        [fields.field(*each) for each in own]
        + [fields.unstructured(*each) for each in free]
        + [body.block]
    )
    names = [name for name, _ in (*own, *free, *body.headers)]
    guard.check_block(block, names, utf8=True)
    guard.check_body(body.body)
    return Written(message_id=message_id, content=block + b"\r\n" + body.body)


def _check(typed: Typed) -> None:
    for name, words in [("from", typed.from_), *(("to", each) for each in typed.to)]:
        guard.check_words(name, words)
        guard.check_octets(name, _shown(words))
    guard.check_words("subject", typed.subject)
    guard.check_length("subject", typed.subject)
    guard.check_headers(typed.headers)
    for name, body in (("text", typed.text), ("html", typed.html)):
        if body is not None:
            guard.check_body_text(name, body)


def _shown(address: str) -> str:
    """As typed, but for a name beyond ASCII: only addresses ask for SMTPUTF8."""
    name, bracket, mailbox = address.partition("<")
    if name.isascii() or not bracket:
        return address
    name = name.strip(' "')
    return f"{fields.encoded_words(name)} <{mailbox}"


def _domain(address: str) -> str:
    """What stands behind the “@”, if it can stand in a Message-ID."""
    domain = address.rpartition("@")[2].strip("> ")
    safe = domain.isascii() and domain.replace("-", "").replace(".", "").isalnum()
    return domain if "@" in address and safe else ""
