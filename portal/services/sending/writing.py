"""The one transaction that accepts mail: key and answer, limit, quota, rows, audit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from portal.services import audit, quota
from portal.services.actor import Actor
from portal.services.outbox.sql import insert
from portal.services.outbox.states import State
from portal.services.senders.routing import RouteNow
from portal.services.sending import limiting
from portal.services.sending.asking import Idempotency, Replay, keep_answer
from portal.services.sending.keeping import content_row
from portal.services.sending.planning import Plan
from portal.services.sending.views import MessageView, RecipientView
from portal.store.database import statement
from portal.store.fields import micros

# The mark locks this row, so it must be there.
_ROUTE = (
    "INSERT INTO route (tenant_id, active_version_id, fence, changed_at)"
    " VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
)
# What no attempt has changed yet.
_UNTOUCHED = {
    "token": 0,
    "tries": 0,
    "recovered": 0,
    "internal_errors": 0,
    "uncertain_count": 0,
    "cancel_asked": False,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """`due_ids` may be handed to the engine once this is committed."""

    messages: tuple[MessageView, ...] = ()
    due_ids: tuple[int, ...] = ()
    replay: Replay | None = None


def write(
    actor: Actor,
    plans: Sequence[Plan],
    route: RouteNow,
    at: datetime,
    idempotency: Idempotency | None,
    *,
    patient: bool,
) -> Written:
    """Raises Mismatch and TooMany; then nothing of it is kept."""
    views = tuple(_view(row, route, at) for row in plans)
    if idempotency:
        latest = max(row.expires_at for row in plans)
        replay = keep_answer(actor.here.id, idempotency, views, latest)
        if replay is not None:
            return Written(replay=replay)
    delay = limiting.spend(actor, plans, route, patient=patient)
    quota.reserve(actor.here, sum(len(row.recipients) for row in plans), at=at)
    if route.version_id is None:  # else it was there to be read
        statement(_ROUTE, actor.here.id, None, 0, micros(at))
    origin = "api" if actor.key else "portal"
    ids = [insert_message(actor, row, route, at, delay, origin=origin) for row in plans]
    for row in plans:
        audit.record(
            actor,
            "email.accepted",
            subject_kind="message",
            subject_id=row.public_id,
            detail={
                "recipients": [str(mailbox) for _, mailbox in row.recipients],
                "captured": route.captured,
            },
        )
    due = [key for key, row in zip(ids, plans, strict=True) if row.due_at + delay <= at]
    return Written(messages=views, due_ids=tuple(due))


def insert_message(
    actor: Actor,
    row: Plan,
    route: RouteNow,
    at: datetime,
    delay: timedelta,
    *,
    origin: str,
) -> int:
    """The rows of one message, due `delay` later than planned; its id."""
    message = {
        "public_id": row.public_id,
        "tenant_id": actor.here.id,
        "key_id": actor.key.id if actor.key else None,
        "origin": origin,
        "message_id": row.content.message_id,
        "subject": row.draft.subject,
        "shown_to": row.shown_to,
        "kind": str(row.draft.kind),
        "tags": dict(row.draft.tags),
        "size_bytes": row.size_bytes,
        "state": str(State.QUEUED),
        "captured": route.captured,
        "attempts": 0,
        "cancel_asked": False,
        "scheduled_at": row.scheduled_at,
        "expires_at": row.expires_at,
        "accepted_at": at,
    }
    message_id = int(insert("message", message, returning="id").fetchone()[0])
    insert("message_content", content_row(message_id, row.content))
    for position, (field, mailbox) in enumerate(row.recipients):
        recipient = {
            "message_id": message_id,
            "tenant_id": actor.here.id,
            "position": position,
            "field": field,
            "address": str(mailbox),
            "state": str(State.QUEUED),
            "next_at": row.due_at + delay,
            "expires_at": row.expires_at,
        }
        insert("recipient", _UNTOUCHED | recipient)
    return message_id


def _view(row: Plan, route: RouteNow, at: datetime) -> MessageView:
    return MessageView(
        id=row.public_id,
        status=State.QUEUED,
        message_id=row.content.message_id,
        captured=route.captured,
        subject=row.draft.subject,
        shown_to=row.shown_to,
        kind=str(row.draft.kind),
        tags=row.draft.tags,
        size_bytes=row.size_bytes,
        origin="api",
        cancel_asked=False,
        accepted_at=at,
        scheduled_at=row.scheduled_at,
        expires_at=row.expires_at,
        settled_at=None,
        recipients=tuple(
            RecipientView(
                id=0,
                address=str(mailbox),
                field=field,
                status=State.QUEUED,
                next_at=row.due_at,
            )
            for field, mailbox in row.recipients
        ),
    )
