"""From a draft to the frozen content of a mail: checked, built, checked again.

`compose` runs once, when a mail is accepted; `render` (beside) puts From in front
at every attempt. The content is 7-bit whatever the relay offers, so that no relay
on the way has a reason to convert it and break a signature.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from datetime import datetime
from email.utils import format_datetime

from portal.address import Mailbox, Named
from portal.errors import Invalid
from portal.mail import attachments, fields, guard, parts
from portal.mail.text import text_alternative
from portal.mail.types import Content, Draft

BUILT_BYTES = 25 * 1024 * 1024
HTML_BYTES = 5 * 1024 * 1024
SUBJECT_LENGTH = 998


def compose(draft: Draft, *, domain: str, tenant_code: str, now: datetime) -> Content:
    """The content of this mail, for good: its Message-ID and Date never change.

    `domain` (A-labels) is that of the From address expected now, `tenant_code`
    letters and digits; `now` is aware. Bcc stays out: see `recipients`.

    Raises Invalid with the field's name in the API.
    """
    _check(draft)
    unique = uuid.uuid4().hex
    message_id = f"<{unique}.{tenant_code}@{domain}>"
    body = parts.tree(
        text=_text(draft),
        html=draft.html,
        attachments=attachments.checked(draft.attachments),
        boundary=f"=_{unique}",
    )
    content = Content(
        message_id=message_id,
        date=now,
        headers=b"".join(_headers(draft, message_id, now)) + body.block,
        body=body.body,
        asked_from=draft.from_,
        asked_reply_to=draft.reply_to,
        eight_bit=any(m.needs_smtputf8 for m in _shown(draft)),
    )
    _check_built(content, [name for name, _ in body.headers], draft)
    return content


def recipients(draft: Draft) -> tuple[tuple[str, Mailbox], ...]:
    """Who gets it, each mailbox once, with the field that named it first."""
    found: dict[Mailbox, str] = {}
    for field, named in (("to", draft.to), ("cc", draft.cc), ("bcc", draft.bcc)):
        for each in named:
            found.setdefault(each.mailbox, field)
    return tuple((field, mailbox) for mailbox, field in found.items())


def _check(draft: Draft) -> None:
    if not (draft.to or draft.cc or draft.bcc):
        raise Invalid("to", "A mail needs at least one recipient.")
    if draft.text is None and draft.html is None:
        raise Invalid("text", "A mail needs a text, or html, or both.")
    guard.check_words("subject", draft.subject)
    if len(draft.subject) > SUBJECT_LENGTH:
        raise Invalid("subject", f"A subject has at most {SUBJECT_LENGTH} characters.")
    for field, text in (("text", draft.text), ("html", draft.html)):
        if text is not None:
            guard.check_body_text(field, text)
    if draft.html and len(draft.html) > HTML_BYTES:
        raise Invalid("html", f"An html body takes {HTML_BYTES // 1024**2} MB.")
    guard.check_headers(draft.headers)
    sender = (draft.from_,) if draft.from_ else ()
    lists: tuple[tuple[str, Sequence[Named]], ...] = (
        ("from", sender),
        ("reply_to", draft.reply_to),
        ("to", draft.to),
        ("cc", draft.cc),
        ("bcc", draft.bcc),
    )
    for field, named in lists:
        for each in named:
            guard.check_words(field, each.name)
            guard.check_length(field, each.name)
            guard.check_words(field, str(each.mailbox))


def _text(draft: Draft) -> str:
    if draft.html is not None and not (draft.text or "").strip():
        return text_alternative(draft.html)
    return draft.text or ""


def _shown(draft: Draft) -> list[Mailbox]:
    return [each.mailbox for each in (*draft.to, *draft.cc)]


def _headers(draft: Draft, message_id: str, now: datetime) -> Iterator[bytes]:
    yield fields.field("Date", format_datetime(now))
    yield fields.field("Message-ID", message_id)
    if draft.to:
        yield fields.mailboxes("To", draft.to)
    if draft.cc:
        yield fields.mailboxes("Cc", draft.cc)
    if not (draft.to or draft.cc):
        # RFC 5322 appendix A.1.3; filters distrust a mail without any To.
        yield fields.field("To", "undisclosed-recipients:;")
    if draft.subject.strip():
        yield fields.unstructured("Subject", draft.subject)
    yield fields.field("Auto-Submitted", "auto-generated")  # RFC 3834 §5
    for name, value in draft.headers.items():
        yield fields.unstructured(name, value)
    yield fields.field("MIME-Version", "1.0")


def _check_built(content: Content, mime: Sequence[str], draft: Draft) -> None:
    names = ["Date", "Message-ID", "Auto-Submitted", "MIME-Version", *mime]
    names += ["To"] if draft.to or not draft.cc else []
    names += ["Cc"] if draft.cc else []
    names += ["Subject"] if draft.subject.strip() else []
    names += draft.headers
    size = len(content.headers) + len(content.body)
    if size > BUILT_BYTES:
        largest = (
            "attachments" if draft.attachments else "html" if draft.html else "text"
        )
        raise Invalid(
            largest,
            f"The finished mail would have {size / 1024**2:.1f} MB; "
            f"{BUILT_BYTES // 1024**2} MB are taken.",
        )
    try:
        guard.check_block(content.headers, names, utf8=content.eight_bit)
        guard.check_body(content.body)
    except guard.UnsafeMail as error:
        raise Invalid(
            "headers", f"This mail cannot be built safely. {error}"
        ) from error
