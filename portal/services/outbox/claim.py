"""Lines 3 and 4 of the outbox: an attempt takes what is due, and keeps its lease."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from peewee import Expression, fn

from portal.services.outbox import pacing
from portal.services.outbox.choosing import choose
from portal.services.outbox.lanes import Lane, Means, Room
from portal.services.outbox.pacing import Allowance
from portal.services.outbox.rows import moment
from portal.services.outbox.sql import Changes, change, fetch, places, stored
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
    standing: str | None = None  # the name of its sender's; None: it has none
    share: int = 100  # percent of its pace that the sender has left
    connections: int | None = None  # as many at most, as the sender says
    is_ailing: bool = False  # the sender failed the last time


@dataclass(frozen=True, slots=True)
class _Message:
    id: int
    public_id: str
    tenant_id: int
    kind: str
    size_bytes: int
    attempts: int


class Taken(list[Claimed]):
    """What was claimed, and whether more is due that only lacked room here."""

    more: bool = False


def claim(
    *, owner: str, means: Means, room: Room, timing: Timing, ids: Sequence[int] = ()
) -> Taken:
    """Line 3: take what is due, at most what there is room for.

    `ids` are a hand-over in memory; without them the tenants take turns.
    """
    at = moment()
    choice = choose(ids=ids, at=at, means=means, room=room, timing=timing)
    messages = _locked(choice.lanes)
    targets = _targets(messages, at)
    taken, changes = Taken(), Changes()
    for key, lane in choice.lanes.items():
        message = messages.get(key)
        if message is None:
            continue
        allowance = choice.allowed[lane]
        due = targets.get(key, [])
        if given := due[: allowance.take(len(due))]:
            taken.append(
                _take(
                    message, lane, allowance, given, owner, means, timing, at, changes
                )
            )
    changes.write()
    pacing.spend(choice.allowed.values(), at)
    taken.more = choice.more
    return taken


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
    allowance: Allowance,
    targets: Sequence[Target],
    owner: str,
    means: Means,
    timing: Timing,
    at: datetime,
    changes: Changes,
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
        # What it teaches, and how it is paced, is of the sender that carries it.
        allowance = pacing.allowances([lane], at, means, timing)[lane]
    seen = {"attempts": number, "state": str(State.SENDING), "captured": lane.captured}
    changes.add("message", seen, "id = ?", message.id)
    held = {"state": str(State.SENDING), "token": number, "next_at": None}
    guard = f"id IN ({places(ids)}) AND {_WAITS}"
    changes.add("recipient", held, guard, *ids, micros(at), False, rows=len(ids))
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
        standing=allowance.name,
        share=allowance.share,
        connections=allowance.connections,
        is_ailing=allowance.is_ailing,
    )


def _moved_meanwhile(attempt_id: int, version_id: int | None, means: Means) -> Lane:
    """The route moved after we chose (PostgreSQL only): the row knows better."""
    rows = fetch("SELECT provider FROM sender_version WHERE id = ?", version_id)
    lane = means.lane(version_id, rows[0][0] if rows else None)
    change("attempt", {"route": str(lane.route)}, "id = ?", attempt_id)
    return lane
