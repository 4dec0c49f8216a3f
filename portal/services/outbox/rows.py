"""One message under its lock: its recipients, its attempts, what was moved."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from portal.services.actor import TenantRef
from portal.services.outbox.sql import at, fetch, loaded, places
from portal.services.outbox.states import State
from portal.store.database import clock, locking
from portal.store.fields import instant

KEPT = "kept"
NOT_KEPT = "not_kept"

_MESSAGE = (
    "SELECT m.id, m.public_id, m.kind, m.origin, m.state, m.settled_at,"
    " m.accepted_at, t.id, t.public_id, t.slug, t.name"
    " FROM message m JOIN tenant t ON t.id = m.tenant_id WHERE {which} ORDER BY m.id"
)
_RECIPIENTS = (
    "SELECT id, address, state, token, tries, recovered, internal_errors,"
    " uncertain_count, retry_at, expires_at, cancel_asked"
    " FROM recipient WHERE message_id = ? ORDER BY id"
)
# Of an attempt only what the rules compare: transcripts stay where they are.
_ATTEMPTS = (
    "SELECT id, number, version_id, claimed_fence, dot_at, dot_recipients, answer,"
    " ended_at FROM attempt WHERE message_id = ?"
)
_FENCE = "SELECT fence FROM route WHERE tenant_id = ?"


class Raced(RuntimeError):
    """A guarded UPDATE met another row than the locked one: nothing is written."""


@dataclass(slots=True)
class MessageRow:
    id: int
    public_id: str
    kind: str
    origin: str
    state: str
    is_settled: bool
    accepted_at: datetime
    tenant: TenantRef


@dataclass(slots=True)
class RecipientRow:
    id: int
    address: str
    state: str
    token: int
    tries: int
    recovered: int
    internal_errors: int
    uncertain_count: int
    retry_at: datetime | None
    expires_at: datetime
    cancel_asked: bool


@dataclass(slots=True)
class AttemptRow:
    """`covered` are the recipients of its mark."""

    id: int
    number: int
    version_id: int | None
    claimed_fence: int
    is_marked: bool
    covered: frozenset[int]
    answer: str | None
    has_ended: bool

    @property
    def is_open_dot(self) -> bool:
        return self.is_marked and self.answer is None


@dataclass(frozen=True, slots=True)
class Move:
    """A recipient went from one state to another, for the relay's answer to it."""

    recipient: RecipientRow
    to: State
    reply: dict[str, Any] | None = None
    stage: str | None = None


@dataclass(slots=True, kw_only=True)
class Case:
    """A message row that this transaction has locked, with all that hangs on it."""

    message: MessageRow
    recipients: dict[int, RecipientRow]
    attempts: dict[int, AttemptRow]  # by number
    at: datetime  # the clock of the database
    moves: list[Move] = field(default_factory=list)

    def kept(self, recipient: RecipientRow) -> bool:
        """A relay keeps a copy for this recipient."""
        return any(
            attempt.answer == KEPT and recipient.id in attempt.covered
            for attempt in self.attempts.values()
        )

    def doubt(self, recipient: RecipientRow) -> bool:
        """An open dot covers this recipient: nobody knows whether it was kept."""
        return any(
            attempt.is_open_dot and recipient.id in attempt.covered
            for attempt in self.attempts.values()
        )

    def mine(self, attempt: AttemptRow) -> list[RecipientRow]:
        """The recipients that this attempt holds: token and state say so."""
        return [
            recipient
            for recipient in self.recipients.values()
            if recipient.token == attempt.number and recipient.state == State.SENDING
        ]


def lock(message_ids: Iterable[int]) -> Iterator[Case]:
    """The messages, locked in order of id, with their recipients and attempts."""
    wanted = sorted(set(message_ids))
    if wanted:
        yield from _cases(f"m.id IN ({places(wanted)})", *wanted)


def lock_attempt(attempt_id: int) -> tuple[Case, AttemptRow] | None:
    """The message of an attempt, locked; None when it is no more."""
    which = "m.id = (SELECT message_id FROM attempt WHERE id = ?)"
    for case in _cases(which, attempt_id):
        found = (row for row in case.attempts.values() if row.id == attempt_id)
        return case, next(found)
    return None


def lock_route(tenant_id: int) -> int:
    """The fence of a tenant's route, which cannot move before this transaction ends.

    FOR SHARE: two marks may compare at once, an activation waits for both.
    """
    rows = fetch(_FENCE + (" FOR SHARE" if locking() else ""), tenant_id)
    return int(rows[0][0]) if rows else -1


def moment() -> datetime:
    """Now, by the clock of the database, which all workers share."""
    return clock()


def tuples(query: Any) -> list[tuple[Any, ...]]:
    """The rows of a query as tuples, which peewee's stubs do not know."""
    return list(query.tuples())


def _cases(which: str, *parameters: int) -> Iterator[Case]:
    sql = _MESSAGE.format(which=which)
    if locking():
        sql += " FOR UPDATE OF m"
    for row in fetch(sql, *parameters):
        yield Case(
            message=_message(row),
            recipients={each.id: each for each in _recipients(row[0])},
            attempts={each.number: each for each in _attempts(row[0])},
            at=moment(),
        )


def _message(row: tuple[Any, ...]) -> MessageRow:
    key, public_id, kind, origin, state, settled_at, accepted_at, *tenant = row
    return MessageRow(
        id=key,
        public_id=public_id,
        kind=kind,
        origin=origin,
        state=state,
        is_settled=settled_at is not None,
        accepted_at=instant(accepted_at),
        tenant=TenantRef(
            id=tenant[0], public_id=tenant[1], slug=tenant[2], name=tenant[3]
        ),
    )


def _recipients(message_id: int) -> Iterator[RecipientRow]:
    for row in fetch(_RECIPIENTS, message_id):
        yield RecipientRow(
            id=row[0],
            address=row[1],
            state=row[2],
            token=row[3],
            tries=row[4],
            recovered=row[5],
            internal_errors=row[6],
            uncertain_count=row[7],
            retry_at=at(row[8]),
            expires_at=instant(row[9]),
            cancel_asked=bool(row[10]),
        )


def _attempts(message_id: int) -> Iterator[AttemptRow]:
    for row in fetch(_ATTEMPTS, message_id):
        key, number, version_id, fence, dot_at, covered, answer, ended_at = row
        yield AttemptRow(
            id=key,
            number=number,
            version_id=version_id,
            claimed_fence=fence,
            is_marked=dot_at is not None,
            covered=frozenset(loaded(covered) or ()),
            answer=answer,
            has_ended=ended_at is not None,
        )
