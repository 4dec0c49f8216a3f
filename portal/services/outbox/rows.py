"""One message under its lock: its recipients, its attempts, what was moved."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from portal.services.actor import TenantRef
from portal.services.outbox.sql import Changes, Raced, at, fetch, loaded, places
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
    "SELECT message_id, id, address, state, token, tries, recovered,"
    " internal_errors, uncertain_count, retry_at, expires_at, cancel_asked"
    " FROM recipient WHERE message_id IN ({ids}) ORDER BY id"
)
# Of an attempt only what the rules compare: transcripts stay where they are.
_ATTEMPTS = (
    "SELECT message_id, id, number, version_id, claimed_fence, dot_at,"
    " dot_recipients, answer, ended_at FROM attempt WHERE message_id IN ({ids})"
)
_FENCE = "SELECT fence FROM route WHERE tenant_id = ?"


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
    """A message row that this transaction has locked, with all that hangs on it.

    `changes` are those of all messages that were locked together; whoever settles
    one of them writes them.
    """

    message: MessageRow
    at: datetime  # the clock of the database
    changes: Changes
    recipients: dict[int, RecipientRow] = field(default_factory=dict)
    attempts: dict[int, AttemptRow] = field(default_factory=dict)  # by number
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


def lock(message_ids: Iterable[int]) -> list[Case]:
    """The messages, locked in order of id, with their recipients and attempts."""
    wanted = sorted(set(message_ids))
    return _cases(f"m.id IN ({places(wanted)})", *wanted) if wanted else []


def lock_attempts(attempt_ids: Collection[int]) -> dict[int, tuple[Case, AttemptRow]]:
    """The messages of these attempts, locked; those that are no more are left out."""
    here = f"SELECT message_id FROM attempt WHERE id IN ({places(attempt_ids)})"  # noqa: S608, no values
    return {
        row.id: (case, row)
        for case in _cases(f"m.id IN ({here})", *attempt_ids)
        for row in case.attempts.values()
        if row.id in attempt_ids
    }


def apart(cases: Sequence[Case]) -> None:
    """Raises Raced where two are of one message: each has to see what the other did."""
    if len({case.message.id for case in cases}) < len(cases):
        raise Raced("two attempts of one message at once")


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


def _cases(which: str, *parameters: int) -> list[Case]:
    sql = _MESSAGE.format(which=which)
    if locking():
        sql += " FOR UPDATE OF m"
    rows = fetch(sql, *parameters)
    at, changes = moment(), Changes()
    cases = {
        row[0]: Case(message=_message(row), at=at, changes=changes) for row in rows
    }
    if cases:
        ids = places(cases)
        for message_id, *row in fetch(_RECIPIENTS.format(ids=ids), *cases):
            recipient = _recipient(*row)
            cases[message_id].recipients[recipient.id] = recipient
        for message_id, *row in fetch(_ATTEMPTS.format(ids=ids), *cases):
            attempt = _attempt(*row)
            cases[message_id].attempts[attempt.number] = attempt
    return list(cases.values())


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


def _recipient(
    key: int, address: str, state: str, token: int, *row: Any
) -> RecipientRow:
    return RecipientRow(
        id=key,
        address=address,
        state=state,
        token=token,
        tries=row[0],
        recovered=row[1],
        internal_errors=row[2],
        uncertain_count=row[3],
        retry_at=at(row[4]),
        expires_at=instant(row[5]),
        cancel_asked=bool(row[6]),
    )


def _attempt(
    key: int, number: int, version_id: int | None, fence: int, *row: Any
) -> AttemptRow:
    dot_at, covered, answer, ended_at = row
    return AttemptRow(
        id=key,
        number=number,
        version_id=version_id,
        claimed_fence=fence,
        is_marked=dot_at is not None,
        covered=frozenset(loaded(covered) or ()),
        answer=answer,
        has_ended=ended_at is not None,
    )
