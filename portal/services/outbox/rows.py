"""One message under its lock: its recipients, its attempts, what was moved."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from portal.services.outbox.states import State
from portal.store.database import locking
from portal.store.fields import instant, now
from portal.store.models import Attempt, Message, Recipient, Route, Tenant, proxy

KEPT = "kept"
NOT_KEPT = "not_kept"

# Of an attempt only what the rules compare: transcripts stay where they are.
_RULED_BY = (
    Attempt.id,
    Attempt.message,
    Attempt.number,
    Attempt.recipients,
    Attempt.version,
    Attempt.route,
    Attempt.relay,
    Attempt.claimed_fence,
    Attempt.dot_at,
    Attempt.dot_recipients,
    Attempt.answer,
    Attempt.ended_at,
)


class Raced(RuntimeError):
    """A guarded UPDATE met another row than the locked one: nothing is written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A recipient went from one state to another."""

    recipient: Recipient
    before: State
    to: State


@dataclass(slots=True, kw_only=True)
class Case:
    """A message row that this transaction has locked, with all that hangs on it."""

    message: Message
    recipients: dict[int, Recipient]
    attempts: dict[int, Attempt]  # by number
    at: datetime  # the clock of the database
    moves: list[Move] = field(default_factory=list)

    def kept(self, recipient: Recipient) -> bool:
        """A relay keeps a copy for this recipient."""
        return any(
            attempt.answer == KEPT and recipient.id in covered(attempt)
            for attempt in self.attempts.values()
        )

    def doubt(self, recipient: Recipient) -> bool:
        """An open dot covers this recipient: nobody knows whether it was kept."""
        return any(
            is_open_dot(attempt) and recipient.id in covered(attempt)
            for attempt in self.attempts.values()
        )

    def mine(self, attempt: Attempt) -> list[Recipient]:
        """The recipients that this attempt holds: token and state say so."""
        return [
            recipient
            for recipient in self.recipients.values()
            if recipient.token == attempt.number and recipient.state == State.SENDING
        ]

    def attempt(self, attempt_id: int) -> Attempt:
        return next(row for row in self.attempts.values() if row.id == attempt_id)


def covered(attempt: Attempt) -> frozenset[int]:
    """Whom the mark of this attempt covers."""
    return frozenset(attempt.dot_recipients or ())


def is_open_dot(attempt: Attempt) -> bool:
    return attempt.dot_at is not None and attempt.answer is None


def lock(message_ids: Iterable[int]) -> Iterator[Case]:
    """The messages, locked in order of id, with their recipients and attempts."""
    wanted = sorted(set(message_ids))
    query = (
        Message.select(Message, Tenant)
        .join(Tenant)
        .where(Message.id.in_(wanted))
        .order_by(Message.id)
    )
    if locking():
        query = query.for_update(of=Message)
    for message in list(query):
        yield _case(message)


def lock_attempt(attempt_id: int) -> tuple[Case, Attempt] | None:
    """The message of an attempt, locked; None when it is no more."""
    row = Attempt.select(Attempt.message).where(Attempt.id == attempt_id).first()
    if row is None:
        return None
    for case in lock([row.message_id]):
        return case, case.attempt(attempt_id)
    return None


def lock_route(tenant_id: int) -> int:
    """The fence of a tenant's route, which cannot move before this transaction ends.

    FOR SHARE: two marks may compare at once, an activation waits for both.
    """
    query = Route.select(Route.fence).where(Route.tenant == tenant_id)
    if locking():
        query = query.for_update("FOR SHARE")  # type: ignore[arg-type]  # stub: bool
    route = query.first()
    return -1 if route is None else int(route.fence)


def moment() -> datetime:
    """Now, by the clock of the database, which all workers share."""
    if not locking():
        return now()
    cursor = proxy.execute_sql(
        "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint"
    )
    return instant(cursor.fetchone()[0])


def tuples(query: Any) -> list[tuple[Any, ...]]:
    """The rows of a query as tuples, which peewee's stubs do not know."""
    return list(query.tuples())


def _case(message: Message) -> Case:
    recipients = Recipient.select().where(Recipient.message == message.id)
    attempts = Attempt.select(*_RULED_BY).where(Attempt.message == message.id)
    return Case(
        message=message,
        recipients={row.id: row for row in recipients.order_by(Recipient.id)},
        attempts={row.number: row for row in attempts},
        at=moment(),
    )
