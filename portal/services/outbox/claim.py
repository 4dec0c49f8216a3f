"""Lines 3 and 4 of the outbox: an attempt takes what is due, and keeps its lease."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from peewee import Expression, fn

from portal.services.outbox.lanes import Lane, Means, Room
from portal.services.outbox.rows import Raced, moment
from portal.services.outbox.sql import change, fetch, places, stored
from portal.services.outbox.states import WAITING, State
from portal.services.outbox.timing import Timing
from portal.store.database import locking, statement
from portal.store.fields import micros
from portal.store.models import Attempt, Recipient

# RFC 5321 §4.5.3.1.8: every relay takes this many recipients; the rest is the
# next attempt's.
MOST_RECIPIENTS = 100

# What line 3 may take now; the partial index `recipient_due` serves it.
_WAITS = "state IN ('queued', 'deferred') AND next_at <= ? AND cancel_asked = ?"
_HANDED_OVER = (
    "SELECT m.id, route.active_version_id, v.provider"
    " FROM message m JOIN route ON route.tenant_id = m.tenant_id"
    " LEFT JOIN sender_version v ON v.id = route.active_version_id"
    " WHERE m.id IN ({ids}) ORDER BY m.id"
)
_TENANTS = (
    "SELECT t.id, route.active_version_id, v.provider"
    " FROM tenant t JOIN route ON route.tenant_id = t.id"
    " LEFT JOIN sender_version v ON v.id = route.active_version_id"
    " WHERE EXISTS (SELECT 1 FROM recipient r WHERE r.tenant_id = t.id"
    " AND r.state IN ('queued', 'deferred') AND r.next_at <= ? AND r.cancel_asked = ?)"
)
_OLDEST = (
    "SELECT message_id FROM recipient WHERE tenant_id = ?"
    " AND state IN ('queued', 'deferred') AND next_at <= ? AND cancel_asked = ?"
    " ORDER BY next_at LIMIT ?"
)
_MESSAGES = (
    "SELECT id, public_id, tenant_id, kind, size_bytes, attempts FROM message"
    " WHERE id IN ({ids}) ORDER BY id"
)
_TARGETS = (
    "SELECT message_id, id, address, tries FROM recipient WHERE message_id IN ({ids})"
    " AND state IN ('queued', 'deferred') AND next_at <= ? AND cancel_asked = ?"
    " ORDER BY message_id, position"
)
# Version and fence are read in this one statement: read apart, an activation
# between them would give a new fence to the old version.
_OPEN = (
    "INSERT INTO attempt (message_id, number, recipients, route, version_id,"
    " claimed_fence, owner, lease_until, started_at, transcript)"
    " SELECT ?, ?, ?, ?, route.active_version_id, route.fence, ?, ?, ?, ?"
    " FROM route WHERE route.tenant_id = ?"
    " RETURNING id, version_id, claimed_fence"
)


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
    size_bytes: int
    lane: Lane
    fence: int
    targets: tuple[Target, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Candidate:
    message_id: int
    lane: Lane


@dataclass(frozen=True, slots=True)
class _Message:
    id: int
    public_id: str
    tenant_id: int
    kind: str
    size_bytes: int
    attempts: int


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
    sql = _HANDED_OVER.format(ids=places(ids))
    for message_id, version_id, provider in fetch(sql, *ids):
        yield _Candidate(message_id=message_id, lane=means.lane(version_id, provider))


def _due(at: datetime, means: Means, room: Room) -> Iterable[_Candidate]:
    """Each tenant its share, in an order that changes (RELIABILITY §2.2)."""
    tenants = fetch(_TENANTS, micros(at), False)
    lanes = [(row[0], means.lane(row[1], row[2])) for row in tenants]
    open_ones = [(key, lane) for key, lane in lanes if room.of(lane)]
    random.shuffle(open_ones)
    share = -(-room.total // max(len(open_ones), 1))
    for tenant_id, lane in open_ones:
        limit = min(share, room.of(lane))
        rows = fetch(_OLDEST, tenant_id, micros(at), False, limit)
        for message_id in dict.fromkeys(row[0] for row in rows):
            yield _Candidate(message_id=message_id, lane=lane)


def _fitting(waiting: Iterable[_Candidate], room: Room) -> Iterable[_Candidate]:
    left, total = dict(room.left), room.total
    for candidate in waiting:
        here = min(left.get(candidate.lane, room.each), room.of(candidate.lane))
        if total > 0 and here > 0:
            left[candidate.lane] = here - 1
            total -= 1
            yield candidate


def _locked(ids: Collection[int]) -> dict[int, _Message]:
    """The rows of these messages, locked; those of other workers are left out."""
    if not ids:
        return {}
    sql = _MESSAGES.format(ids=places(ids))
    if locking():
        sql += " FOR UPDATE SKIP LOCKED"
    return {row[0]: _Message(*row) for row in fetch(sql, *ids)}


def _targets(ids: Collection[int], at: datetime) -> dict[int, list[Target]]:
    """The due recipients of each message; the lock is held, so they stay due."""
    found: dict[int, list[Target]] = {}
    if not ids:
        return found
    sql = _TARGETS.format(ids=places(ids))
    for message_id, key, address, tries in fetch(sql, *ids, micros(at), False):
        targets = found.setdefault(message_id, [])
        if len(targets) < MOST_RECIPIENTS:
            targets.append(Target(id=key, address=address, tries=tries))
    return found


def _take(
    message: _Message,
    lane: Lane,
    targets: Sequence[Target],
    owner: str,
    means: Means,
    timing: Timing,
    at: datetime,
) -> Claimed:
    number, ids = message.attempts + 1, [target.id for target in targets]
    opened = statement(
        _OPEN,
        message.id,
        number,
        stored(ids),
        str(lane.route),
        owner,
        micros(at + timing.lease),
        micros(at),
        stored([]),
        message.tenant_id,
    )
    attempt_id, version_id, fence = opened.fetchone()
    if version_id != lane.version_id:
        lane = _moved_meanwhile(attempt_id, version_id, means)
    seen = {"attempts": number, "state": str(State.SENDING), "captured": lane.captured}
    change("message", seen, "id = ?", message.id)
    held = {"state": str(State.SENDING), "token": number, "next_at": None}
    guard = f"id IN ({places(ids)}) AND {_WAITS}"
    if change("recipient", held, guard, *ids, micros(at), False) != len(ids):
        raise Raced(f"message {message.id}: not all of its recipients were due")
    return Claimed(
        attempt_id=attempt_id,
        number=number,
        message_id=message.id,
        public_id=message.public_id,
        tenant_id=message.tenant_id,
        kind=message.kind,
        size_bytes=message.size_bytes,
        lane=lane,
        fence=fence,
        targets=tuple(targets),
    )


def _moved_meanwhile(attempt_id: int, version_id: int | None, means: Means) -> Lane:
    """The route moved after we chose (PostgreSQL only): the row knows better."""
    rows = fetch("SELECT provider FROM sender_version WHERE id = ?", version_id)
    lane = means.lane(version_id, rows[0][0] if rows else None)
    change("attempt", {"route": str(lane.route)}, "id = ?", attempt_id)
    return lane
