"""Lines 3 and 4 of the outbox: an attempt takes what is due, and keeps its lease."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from peewee import JOIN, Expression, fn

from portal.services.outbox.lanes import Lane, Means, Room
from portal.services.outbox.rows import Raced, moment, tuples
from portal.services.outbox.states import WAITING, State
from portal.services.outbox.timing import Timing
from portal.store.database import locking
from portal.store.models import (
    Attempt,
    Message,
    Recipient,
    Route,
    SenderVersion,
    Tenant,
)

# RFC 5321 §4.5.3.1.8: every relay takes this many recipients; the rest is the
# next attempt's.
MOST_RECIPIENTS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    id: int
    address: str
    tries: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """An attempt that this process holds until its lease ends."""

    attempt_id: int
    number: int
    message_id: int
    public_id: str
    tenant_id: int
    kind: str
    lane: Lane
    fence: int
    targets: tuple[Target, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Candidate:
    message_id: int
    lane: Lane


def claim(
    *, owner: str, means: Means, room: Room, timing: Timing, ids: Sequence[int] = ()
) -> list[Claimed]:
    """Line 3: take what is due, at most what there is room for.

    `ids` are a hand-over in memory; without them the tenants take turns.
    """
    at = moment()
    waiting = _handed_over(ids, means) if ids else _due(at, means, room)
    chosen = {row.message_id: row for row in _fitting(waiting, room)}
    messages = _locked(chosen)
    targets = _targets(messages, at)
    return [
        _take(messages[key], chosen[key].lane, targets[key], owner, means, timing, at)
        for key in messages
        if targets.get(key)
    ]


def heartbeat(attempt_ids: Collection[int], timing: Timing) -> frozenset[int]:
    """Line 4: renew the leases of attempts that still hold a recipient.

    It never revives another state. The ids that were renewed.
    """
    held = Recipient.select().where(
        Recipient.message == Attempt.message,
        Recipient.token == Attempt.number,
        Recipient.state == State.SENDING,
    )
    query = (
        Attempt.update(lease_until=moment() + timing.lease)
        .where(
            Attempt.id.in_(list(attempt_ids)),
            Attempt.answer.is_null(),
            Attempt.ended_at.is_null(),
            fn.EXISTS(held),
        )
        .returning(Attempt.id)
    )
    return frozenset(row.id for row in query.execute())


def is_due(at: datetime) -> Expression:
    """What line 3 may take now; the partial index `recipient_due` serves it."""
    ready: Expression = (
        Recipient.state.in_(WAITING)
        & (Recipient.next_at <= at)
        & (Recipient.cancel_asked == False)  # noqa: E712, SQL
    )
    return ready


def _handed_over(ids: Sequence[int], means: Means) -> Iterable[_Candidate]:
    rows = (
        Message.select(Message.id, Route.active_version, SenderVersion.provider)
        .join(Route, on=(Route.tenant == Message.tenant))
        .join(SenderVersion, JOIN.LEFT_OUTER)
        .where(Message.id.in_(list(ids)))
        .order_by(Message.id)
    )
    for message_id, version_id, provider in tuples(rows):
        yield _Candidate(message_id=message_id, lane=means.lane(version_id, provider))


def _due(at: datetime, means: Means, room: Room) -> Iterable[_Candidate]:
    """Each tenant its share, in an order that changes (RELIABILITY §2.2)."""
    something = Recipient.select().where(Recipient.tenant == Tenant.id, is_due(at))
    tenants = (
        Tenant.select(Tenant.id, Route.active_version, SenderVersion.provider)
        .join(Route)
        .join(SenderVersion, JOIN.LEFT_OUTER)
        .where(fn.EXISTS(something))
    )
    lanes = [(row[0], means.lane(row[1], row[2])) for row in tuples(tenants)]
    open_ones = [(key, lane) for key, lane in lanes if room.of(lane)]
    random.shuffle(open_ones)
    share = -(-room.total // max(len(open_ones), 1))
    for tenant_id, lane in open_ones:
        rows = (
            Recipient.select(Recipient.message)
            .where(Recipient.tenant == tenant_id, is_due(at))
            .order_by(Recipient.next_at)
            .limit(min(share, room.of(lane)))
        )
        for message_id in dict.fromkeys(row[0] for row in tuples(rows)):
            yield _Candidate(message_id=message_id, lane=lane)


def _fitting(waiting: Iterable[_Candidate], room: Room) -> Iterable[_Candidate]:
    left, total = dict(room.left), room.total
    for candidate in waiting:
        here = min(left.get(candidate.lane, room.each), room.of(candidate.lane))
        if total > 0 and here > 0:
            left[candidate.lane] = here - 1
            total -= 1
            yield candidate


def _locked(ids: Collection[int]) -> dict[int, Message]:
    """The rows of these messages, locked; those of other workers are left out."""
    query = Message.select().where(Message.id.in_(list(ids))).order_by(Message.id)
    if locking():
        query = query.for_update(skip_locked=True)
    return {row.id: row for row in query} if ids else {}


def _targets(ids: Collection[int], at: datetime) -> dict[int, list[Target]]:
    """The due recipients of each message; the lock is held, so they stay due."""
    found: dict[int, list[Target]] = {}
    rows = (
        Recipient.select(
            Recipient.message, Recipient.id, Recipient.address, Recipient.tries
        )
        .where(Recipient.message.in_(list(ids)), is_due(at))
        .order_by(Recipient.message, Recipient.position)
    )
    for row in rows if ids else ():
        targets = found.setdefault(row.message_id, [])
        if len(targets) < MOST_RECIPIENTS:
            targets.append(Target(id=row.id, address=row.address, tries=row.tries))
    return found


def _take(
    message: Message,
    lane: Lane,
    targets: Sequence[Target],
    owner: str,
    means: Means,
    timing: Timing,
    at: datetime,
) -> Claimed:
    number = message.attempts + 1
    row = _open_attempt(message, number, lane, targets, owner, at, timing)
    if row.version_id != lane.version_id:
        lane = _moved_meanwhile(row, means)
    Message.update(attempts=number, state=State.SENDING, captured=lane.captured).where(
        Message.id == message.id
    ).execute()
    held = (
        Recipient.update(state=State.SENDING, token=number, next_at=None)
        .where(Recipient.id.in_([target.id for target in targets]), is_due(at))
        .execute()
    )
    if held != len(targets):
        raise Raced(f"message {message.id}: {held} of {len(targets)} were due")
    return Claimed(
        attempt_id=row.id,
        number=number,
        message_id=message.id,
        public_id=message.public_id,
        tenant_id=message.tenant_id,
        kind=message.kind,
        lane=lane,
        fence=row.claimed_fence,
        targets=tuple(targets),
    )


def _open_attempt(
    message: Message,
    number: int,
    lane: Lane,
    targets: Sequence[Target],
    owner: str,
    at: datetime,
    timing: Timing,
) -> Attempt:
    """The attempt's row. Version and fence are read in this one statement: read
    apart, an activation between them would give a new fence to the old version."""
    route = Route.select().where(Route.tenant == message.tenant_id)
    query = Attempt.insert(
        message=message.id,
        number=number,
        recipients=[target.id for target in targets],
        route=lane.route,
        version=route.select(Route.active_version),
        claimed_fence=route.select(Route.fence),
        owner=owner,
        lease_until=at + timing.lease,
        started_at=at,
    ).returning(Attempt.id, Attempt.version, Attempt.claimed_fence)
    row: Attempt = next(iter(query.execute()))
    return row


def _moved_meanwhile(attempt: Attempt, means: Means) -> Lane:
    """The route moved after we chose (PostgreSQL only): the row knows better."""
    version = SenderVersion.get_or_none(SenderVersion.id == attempt.version_id)
    lane = means.lane(attempt.version_id, version.provider if version else None)
    Attempt.update(route=lane.route).where(Attempt.id == attempt.id).execute()
    return lane
