"""What became of accepted mail: one message, a page of them, the flow of a tenant."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from peewee import JOIN, fn

from portal.errors import Invalid, Missing
from portal.mail.types import Kind
from portal.services.actor import Actor, Role
from portal.services.outbox import standing
from portal.services.outbox.standing import Standing
from portal.services.outbox.states import PARTIAL, WAITING, State
from portal.services.sending.views import (
    AttemptView,
    Filter,
    MessageView,
    Page,
    RecipientView,
)
from portal.store.database import connection
from portal.store.models import (
    ApiKey,
    Attempt,
    Message,
    Recipient,
    Sender,
    SenderVersion,
)

MOST = 200
STATES = (*State, PARTIAL)
KINDS = tuple(Kind)
_UNSENT = (State.DEFERRED, State.FAILED, State.UNCERTAIN, State.EXPIRED)


def read(actor: Actor, message_id: str) -> MessageView:
    """One message of the actor's tenant with its attempts. Raises Missing."""
    may_read(actor)
    with connection():
        message = own(actor, message_id)
        attempts = _attempts(message)
        recipients = _recipients([message.id])[message.id]
        hold = _hold(message, recipients)
    return _view(message, recipients, attempts, hold)


def find(actor: Actor, wanted: Filter) -> Page:
    """A page by key set, newest first. Raises Invalid for a wrong filter."""
    may_read(actor)
    if not 1 <= wanted.limit <= MOST:
        raise Invalid("limit", f"1 to {MOST} messages a page.")
    if wanted.status is not None and wanted.status not in STATES:
        raise Invalid("status", f"One of: {', '.join(STATES)}.")
    if wanted.kind is not None and wanted.kind not in KINDS:
        raise Invalid("kind", f"One of: {', '.join(KINDS)}.")
    with connection():
        rows = list(_found(actor, wanted).limit(wanted.limit + 1))
        page = rows[: wanted.limit]
        recipients = _recipients([row.id for row in page])
    return Page(
        messages=tuple(_view(row, recipients[row.id]) for row in page),
        next=page[-1].public_id if len(rows) > wanted.limit else None,
    )


def own(actor: Actor, message_id: str) -> Message:
    """The row, if it is of the actor's tenant; else Missing, whoever's it is."""
    row = Message.get_or_none(
        Message.public_id == message_id, Message.tenant == actor.here.id
    )
    if row is None:
        raise Missing("There is no such message.")
    return row


def may_read(actor: Actor) -> None:
    if actor.key:
        actor.require_scope("read")
    else:
        actor.require(Role.VIEWER)


def _found(actor: Actor, wanted: Filter) -> Any:
    query = (
        Message.select(Message, ApiKey)
        .join(ApiKey, JOIN.LEFT_OUTER)
        .where(Message.tenant == actor.here.id)
    )
    if wanted.status is not None:
        query = query.where(Message.state == wanted.status)
    if wanted.kind is not None:
        query = query.where(Message.kind == wanted.kind)
    if wanted.since is not None:
        query = query.where(Message.accepted_at >= wanted.since)
    if wanted.search:
        query = query.where(_holds(wanted.search))
    if wanted.to is not None:
        addressed = Recipient.select().where(
            Recipient.message == Message.id, Recipient.address == wanted.to.strip()
        )
        query = query.where(fn.EXISTS(addressed))
    if wanted.after is not None:
        last = Message.get_or_none(
            Message.public_id == wanted.after, Message.tenant == actor.here.id
        )
        if last is None:
            raise Invalid("after", "There is no such message to go on after.")
        query = query.where(Message.id < last.id)
    return query.order_by(Message.id.desc())


def _holds(text: str) -> Any:
    """Whose subject, Message-ID or recipient holds these words."""
    words = text.strip()
    addressed = Recipient.select().where(
        Recipient.message == Message.id, Recipient.address.contains(words)
    )
    return (
        Message.subject.contains(words)
        | Message.message_id.contains(words)
        | fn.EXISTS(addressed)
    )


def _recipients(message_ids: Sequence[int]) -> dict[int, list[Recipient]]:
    found: dict[int, list[Recipient]] = {key: [] for key in message_ids}
    rows = (
        Recipient.select()
        .where(Recipient.message.in_(list(message_ids)))
        .order_by(Recipient.message, Recipient.position)
    )
    for row in rows if message_ids else ():
        found[row.message_id].append(row)
    return found


def _attempts(message: Message) -> list[Attempt]:
    query = (
        Attempt.select(Attempt, SenderVersion, Sender)
        .join(SenderVersion, JOIN.LEFT_OUTER)
        .join(Sender, JOIN.LEFT_OUTER)
        .where(Attempt.message == message.id)
        .order_by(Attempt.number)
    )
    return list(query)


def _hold(message: Message, recipients: Sequence[Recipient]) -> Standing | None:
    """What holds the queue of the sender that would carry this message now."""
    if not any(row.state in WAITING for row in recipients):
        return None
    return standing.hold_of(message.tenant_id)


def _view(
    message: Message,
    recipients: Sequence[Recipient],
    attempts: Sequence[Attempt] = (),
    hold: Standing | None = None,
) -> MessageView:
    addresses = {row.id: row.address for row in recipients}
    return MessageView(
        id=message.public_id,
        status=message.state,
        message_id=message.message_id,
        captured=message.captured,
        subject=message.subject,
        shown_to=message.shown_to,
        kind=message.kind,
        tags=message.tags,
        size_bytes=message.size_bytes,
        origin=message.origin,
        cancel_asked=message.cancel_asked,
        accepted_at=message.accepted_at,
        scheduled_at=message.scheduled_at,
        expires_at=message.expires_at,
        settled_at=message.settled_at,
        recipients=tuple(_recipient(row, hold) for row in recipients),
        by=message.key.name if message.key else None,
        attempts=tuple(_attempt(row, addresses) for row in attempts),
        diagnosis=_diagnosis(recipients, attempts),
    )


def _recipient(row: Recipient, hold: Standing | None) -> RecipientView:
    next_at, waits_for = _waits(row, hold)
    return RecipientView(
        id=row.id,
        address=row.address,
        field=row.field,
        status=row.state,
        reply=row.reply,
        stage=row.stage,
        tries=row.tries,
        next_at=next_at,
        retry_at=row.retry_at,
        waits_for_sender=row.held_fence is not None,
        waits_for=waits_for,
        settled_at=row.settled_at,
        decided_by=row.decided_by,
    )


def _waits(row: Recipient, hold: Standing | None) -> tuple[datetime | None, str | None]:
    """Until when, and for what besides its own pause."""
    if row.state not in WAITING:
        return row.next_at, None
    held_until = hold.held_until if hold else None
    if hold and held_until and (row.next_at is None or row.next_at < held_until):
        return held_until, hold.held_why
    return row.next_at, "sender" if row.held_fence is not None else None


def _attempt(row: Attempt, addresses: dict[int, str]) -> AttemptView:
    version = row.version if row.version_id is not None else None
    return AttemptView(
        number=row.number,
        at=row.started_at,
        route=row.route,
        sender=version.sender.name if version else None,
        sender_version=version.number if version else None,
        recipients=tuple(addresses[key] for key in row.recipients if key in addresses),
        relay=row.relay,
        stage=row.stage,
        reply=row.reply,
        failure=row.failure,
        outcome=row.outcome,
        ms=row.ms,
        diagnosis=row.diagnosis,
        transcript=tuple((who, text, failed) for who, text, failed in row.transcript),
    )


def _diagnosis(recipients: Iterable[Recipient], attempts: Sequence[Attempt]) -> Any:
    """The newest one, while somebody is not sent."""
    if all(row.state not in _UNSENT for row in recipients):
        return None
    found = (row.diagnosis for row in reversed(attempts) if row.diagnosis)
    return next(found, None)
