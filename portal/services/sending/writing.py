"""The one transaction that accepts mail: key and answer, limit, quota, rows, audit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import chain
from typing import Any

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepting:
    """One request: mails that are accepted together, or none of them."""

    actor: Actor
    plans: tuple[Plan, ...]
    route: RouteNow
    at: datetime
    idempotency: Idempotency | None = None
    patient: bool = False

    @property
    def company(self) -> object:
        """Equal for requests that may be written as if they were one; else None."""
        key = self.actor.key
        if key is None or self.idempotency or self.patient or len(self.plans) > 1:
            return None
        return self.actor.here.id, key.id, self.actor.ip, self.route


def write_all(wanted: Sequence[Accepting]) -> list[Written]:
    """As `write`, each request; raises for all what one of them meets."""
    found: dict[int, Written] = {}
    for together in _in_company(wanted):
        first = wanted[together[0]]
        if len(together) == 1:
            found[together[0]] = write(first)
            continue
        plans = tuple(plan for number in together for plan in wanted[number].plans)
        at = max(wanted[number].at for number in together)
        whole = write(replace(first, plans=plans, at=at))
        for number, view in zip(together, whole.messages, strict=True):
            due = whole.due_ids if number == together[0] else ()
            found[number] = Written(messages=(view,), due_ids=due)
    return [found[number] for number in range(len(wanted))]


def _in_company(wanted: Sequence[Accepting]) -> list[list[int]]:
    """Their numbers, those together that may be."""
    found: dict[object, list[int]] = {}
    for number, each in enumerate(wanted):
        found.setdefault(each.company or number, []).append(number)
    return list(found.values())


def write(wanted: Accepting) -> Written:
    """Raises Mismatch and TooMany; then nothing of it is kept."""
    actor, plans, route, at = wanted.actor, wanted.plans, wanted.route, wanted.at
    views = tuple(_view(row, route, at) for row in plans)
    if wanted.idempotency:
        latest = max(row.expires_at for row in plans)
        replay = keep_answer(actor.here.id, wanted.idempotency, views, latest)
        if replay is not None:
            return Written(replay=replay)
    delay = limiting.spend(actor, plans, route, patient=wanted.patient)
    quota.reserve(actor.here, sum(len(row.recipients) for row in plans), at=at)
    if route.version_id is None:  # else it was there to be read
        statement(_ROUTE, actor.here.id, None, 0, micros(at))
    origin = "api" if actor.key else "portal"
    ids = insert_messages(actor, plans, route, at, delay, origin=origin)
    audit.record_all([_accepted(actor, row, route) for row in plans])
    due = [key for key, row in zip(ids, plans, strict=True) if row.due_at + delay <= at]
    return Written(messages=views, due_ids=tuple(due))


def insert_messages(
    actor: Actor,
    plans: Sequence[Plan],
    route: RouteNow,
    at: datetime,
    delay: timedelta,
    *,
    origin: str,
) -> list[int]:
    """The rows of these messages, due `delay` later than planned; their ids."""
    rows = [_message(actor, row, route, at, origin) for row in plans]
    ids = dict(insert("message", rows, returning="public_id, id"))
    keyed = [(ids[row.public_id], row) for row in plans]
    insert("message_content", [content_row(key, row.content) for key, row in keyed])
    recipients = (_recipients(actor, key, row, delay) for key, row in keyed)
    insert("recipient", list(chain.from_iterable(recipients)))
    return [key for key, _ in keyed]


def _message(
    actor: Actor, row: Plan, route: RouteNow, at: datetime, origin: str
) -> dict[str, Any]:
    return {
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


def _recipients(
    actor: Actor, message_id: int, row: Plan, delay: timedelta
) -> Iterator[dict[str, Any]]:
    for position, (field, mailbox) in enumerate(row.recipients):
        yield {
            **_UNTOUCHED,
            "message_id": message_id,
            "tenant_id": actor.here.id,
            "position": position,
            "field": field,
            "address": str(mailbox),
            "state": str(State.QUEUED),
            "next_at": row.due_at + delay,
            "expires_at": row.expires_at,
        }


def _accepted(actor: Actor, row: Plan, route: RouteNow) -> audit.Happened:
    recipients = [str(mailbox) for _, mailbox in row.recipients]
    detail = {"recipients": recipients, "captured": route.captured}
    return audit.Happened(actor, "email.accepted", "message", row.public_id, detail)


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
