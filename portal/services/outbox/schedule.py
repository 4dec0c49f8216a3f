"""Lines 20 to 22 of the outbox, and what else only time brings about."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from peewee import Expression

from portal.services.actor import Actor
from portal.services.outbox import standing
from portal.services.outbox.arrival import Because, arrive
from portal.services.outbox.claim import is_due
from portal.services.outbox.ledger import refund, settle
from portal.services.outbox.rows import RecipientRow, lock, moment, tuples
from portal.services.outbox.states import WAITING, State
from portal.services.outbox.timing import Timing
from portal.store.database import locking
from portal.store.models import Attempt, IdempotencyKey, Message, Recipient, Route

BATCH = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """What there is to do now; read apart, so that an idle portal writes nothing."""

    due: bool
    retries: bool
    expired: bool
    moved: bool  # mail waited for a sender that was replaced meanwhile

    @property
    def anything(self) -> bool:
        return self.due or self.retries or self.expired or self.moved


def pending() -> Pending:
    at = moment()
    return Pending(
        due=_any(is_due(at)),
        retries=_any(_retry_is_due(at)),
        expired=_any(_is_over(at)),
        moved=_any(_has_moved()),
    )


def retry_uncertain(actor: Actor) -> int:
    """Line 20: the one retry of a mail whose fate nobody knows."""
    count = 0
    for case in lock(_messages(_retry_is_due(moment()))):
        for recipient in case.recipients.values():
            due = recipient.retry_at is not None and recipient.retry_at <= case.at
            if recipient.state == State.UNCERTAIN and due:
                arrive(case, recipient, State.DEFERRED, Because(next_at=case.at))
                count += 1
        settle(actor, case)
    return count


def expire(actor: Actor) -> int:
    """Lines 21 and 22. Only while the clock is trusted."""
    count = 0
    for case in lock(_messages(_is_over(moment()))):
        unused = 0
        for recipient in case.recipients.values():
            if recipient.expires_at > case.at:
                continue
            if recipient.state in WAITING:
                unused += recipient.token == 0
                arrive(case, recipient, State.EXPIRED)
                count += 1
            elif recipient.state == State.UNCERTAIN:
                _rest(recipient)
        refund(case, unused)
        settle(actor, case, {"reason": "expired"})
    return count


def release_moved() -> int:
    """Mail that waited for a sender is due at once where the route has moved.

    No transition, only a date; so the activation need not touch message rows.
    """
    return int(
        Recipient.update(next_at=moment(), held_fence=None)
        .where(_has_moved())
        .execute()
    )


def clamp(timing: Timing) -> int:
    """Times that only a clock set back can explain are cut (outbox §5).

    A scheduled mail is never sent before its time.
    """
    at = moment()
    furthest = at + timing.furthest
    scheduled = Message.select(Message.id).where(Message.scheduled_at > at)
    leases = Attempt.update(lease_until=at + timing.lease).where(
        Attempt.ended_at.is_null(), Attempt.lease_until > at + timing.lease
    )
    waits = Recipient.update(next_at=furthest).where(
        Recipient.state.in_(WAITING),
        Recipient.next_at > furthest,
        Recipient.message.not_in(scheduled),
    )
    retries = Recipient.update(retry_at=furthest).where(
        Recipient.state == State.UNCERTAIN, Recipient.retry_at > furthest
    )
    trials = Route.update(probe_at=furthest).where(Route.probe_at > furthest)
    held = standing.clamp(furthest)
    queries = (leases, waits, retries, trials)
    return held + sum(int(query.execute()) for query in queries)


def set_back(by: timedelta) -> int:
    """The clock went back by so much, and what waits goes with it: a pause stays as
    long as it was. A scheduled mail is never sent before its time.

    For SQLite, whose clock is this machine's; a server has its own.
    """
    if locking():
        return 0
    at, less = moment(), by // timedelta(microseconds=1)
    scheduled = Message.select(Message.id).where(Message.scheduled_at > at)
    waits = Recipient.update(next_at=Recipient.next_at - less).where(
        Recipient.state.in_(WAITING),
        Recipient.next_at > at,
        Recipient.message.not_in(scheduled),
    )
    retries = Recipient.update(retry_at=Recipient.retry_at - less).where(
        Recipient.state == State.UNCERTAIN, Recipient.retry_at > at
    )
    return sum(int(query.execute()) for query in (waits, retries))


def purge_keys() -> int:
    """Idempotency keys whose time is over."""
    query = IdempotencyKey.delete().where(IdempotencyKey.expires_at < moment())
    return int(query.execute())


def _any(condition: Expression) -> bool:
    return bool(Recipient.select().where(condition).exists())


def _messages(condition: Expression) -> Iterable[int]:
    rows = Recipient.select(Recipient.message).where(condition).limit(BATCH)
    return {row[0] for row in tuples(rows)}


def _retry_is_due(at: datetime) -> Expression:
    due: Expression = (
        (Recipient.state == State.UNCERTAIN)
        & (Recipient.retry_at <= at)
        & (Recipient.cancel_asked == False)  # noqa: E712, SQL
    )
    return due


def _is_over(at: datetime) -> Expression:
    resting = (Recipient.state == State.UNCERTAIN) & Recipient.retry_at.is_null(False)
    over: Expression = (Recipient.expires_at <= at) & (
        Recipient.state.in_(WAITING) | resting
    )
    return over


def _has_moved() -> Expression:
    fence = Route.select(Route.fence).where(Route.tenant == Recipient.tenant)
    moved: Expression = (
        (Recipient.state == State.DEFERRED)
        & Recipient.held_fence.is_null(False)
        & (Recipient.held_fence < fence)
    )
    return moved


def _rest(recipient: RecipientRow) -> None:
    Recipient.update(retry_at=None).where(
        Recipient.id == recipient.id, Recipient.state == State.UNCERTAIN
    ).execute()
