"""Mail that the sandbox took: kept for the tenant whose it is, shown, thrown away."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from portal.errors import Missing
from portal.mail.reading import Read, read, shown
from portal.services import audit
from portal.services.actor import Actor, Role
from portal.store.database import transaction
from portal.store.fields import now
from portal.store.models import Capture, LiveTest, Message

KEPT = timedelta(days=7)
MOST = 500  # a tenant; the oldest give way
NO_CAPTURE = "There is no such captured mail."

_FOLD = re.compile(rb"\r?\n(?=[ \t])")
_MESSAGE_ID = re.compile(
    rb"^message-id:[ \t]*(<[^<>\s]{1,318}>)[ \t]*\r?$", re.I | re.M
)
_SUBJECT_LENGTH = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A mail as the sandbox received it."""

    ehlo: str
    reverse_path: str
    recipients: tuple[str, ...]
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptureRow:
    """One line of the list. `message_id` is the outbox's message, None for a test."""

    id: str
    at: datetime
    subject: str
    recipients: tuple[str, ...]
    message_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptureView:
    """A whole mail. Everything in it is hostile input to a page."""

    id: str
    at: datetime
    subject: str
    recipients: tuple[str, ...]
    message_id: str | None
    ehlo: str
    reverse_path: str
    mail: Read = field(repr=False)
    content: bytes = field(repr=False)


def keep(taken: Taken) -> str:
    """Store a mail; its tenant is found by its Message-ID. Answers its public id."""
    with transaction():
        tenant, message = _whose(_message_id(taken.content))
        row = Capture.create(
            tenant=tenant,
            message_ref=message,
            reverse_path=taken.reverse_path[:320],
            recipients=list(taken.recipients),
            subject=_subject(taken.content),
            ehlo=shown(taken.ehlo)[:300],
            content=taken.content,
        )
        _trim(tenant)
    return str(row.public_id)


def captures(actor: Actor, *, limit: int = 100) -> list[CaptureRow]:
    """The newest first."""
    actor.require(Role.VIEWER)
    rows = (
        Capture.select(
            Capture.public_id,
            Capture.at,
            Capture.subject,
            Capture.recipients,
            Capture.message_ref,
        )
        .where(_mine(actor))
        .order_by(Capture.id.desc())
        .limit(limit)
    )
    return [
        CaptureRow(
            id=row.public_id,
            at=row.at,
            subject=row.subject,
            recipients=tuple(row.recipients),
            message_id=row.message_ref,
        )
        for row in rows
    ]


def count(actor: Actor) -> int:
    actor.require(Role.VIEWER)
    found: int = Capture.select().where(_mine(actor)).count()
    return found


def capture(actor: Actor, capture_id: str) -> CaptureView:
    """Raises Missing."""
    actor.require(Role.VIEWER)
    row = Capture.get_or_none(Capture.public_id == capture_id, _mine(actor))
    if row is None:
        raise Missing(NO_CAPTURE)
    content = bytes(row.content)
    return CaptureView(
        id=row.public_id,
        at=row.at,
        subject=row.subject,
        recipients=tuple(row.recipients),
        message_id=row.message_ref,
        ehlo=row.ehlo,
        reverse_path=row.reverse_path,
        mail=read(content),
        content=content,
    )


def clear(actor: Actor) -> int:
    """Throw every captured mail of the tenant away; answers how many."""
    actor.require(Role.ADMIN)
    with transaction():
        gone = Capture.delete().where(_mine(actor)).execute()
        if gone:
            audit.record(actor, "sandbox.cleared", detail={"mails": gone})
    return int(gone)


def tidy() -> int:
    """Remove what is older than seven days; for the schedule."""
    return int(Capture.delete().where(Capture.at < now() - KEPT).execute())


def _mine(actor: Actor) -> Any:
    """The tenant's. What another program put into the sandbox is the operator's."""
    here = Capture.tenant == actor.here.id
    if actor.person is not None and actor.person.is_operator:
        return here | Capture.tenant.is_null()
    return here


def _message_id(content: bytes) -> str | None:
    head = content.partition(b"\r\n\r\n")[0]
    found = _MESSAGE_ID.search(_FOLD.sub(b"", head))
    return found[1].decode("ascii", "replace") if found else None


def _whose(message_id: str | None) -> tuple[int | None, str | None]:
    """The tenant and, for a mail of the outbox, the public id of its message."""
    if message_id is None:
        return None, None
    message = Message.get_or_none(Message.message_id == message_id)
    if message is not None:
        return message.tenant_id, message.public_id
    test = LiveTest.get_or_none(LiveTest.message_id == message_id)
    return (test.tenant_id if test else None), None


def _trim(tenant: int | None) -> None:
    of_tenant = Capture.tenant.is_null() if tenant is None else Capture.tenant == tenant
    oldest = (
        Capture.select(Capture.id)
        .where(of_tenant)
        .order_by(Capture.id.desc())
        .offset(MOST)
        .limit(1)
        .scalar()
    )
    if oldest is not None:
        Capture.delete().where(of_tenant, Capture.id <= oldest).execute()


def _subject(content: bytes) -> str:
    head = content.partition(b"\r\n\r\n")[0]
    return read(head).header("Subject")[:_SUBJECT_LENGTH]
