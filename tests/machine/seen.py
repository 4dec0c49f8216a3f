"""What the rows say at one moment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from portal.services import quota
from portal.services.actor import TenantRef
from portal.services.outbox.sql import fetch, loaded
from portal.services.outbox.states import WAITING
from portal.store.database import clock
from portal.store.fields import micros

_MAILS = (
    "SELECT m.id, m.public_id, m.state, m.attempts, m.settled_at IS NOT NULL,"
    " m.scheduled_at, m.message_id, c.date, c.headers, c.body, c.sha256"
    " FROM message m LEFT JOIN message_content c ON c.message_id = m.id"
)
_ROWS = (
    "SELECT id, message_id, address, state, token, tries, recovered, internal_errors,"
    " uncertain_count, retry_at, next_at, cancel_asked, decided_by FROM recipient"
)
_TRIES = (
    "SELECT id, message_id, number, recipients, version_id, claimed_fence, owner,"
    " dot_at, dot_recipients, answer, ended_at, outcome FROM attempt ORDER BY id"
)
_EVENTS = (
    "SELECT id, event, subject_id, detail FROM audit_event"
    " WHERE subject_kind = 'message' AND id > ? ORDER BY id"
)
_ROUTE = "SELECT active_version_id, fence FROM route WHERE tenant_id = ?"


@dataclass(frozen=True)
class Mail:
    id: int
    public_id: str
    state: str
    attempts: int
    is_settled: bool
    scheduled_at: int | None
    frozen: tuple[Any, ...]  # what never changes, Message-ID and Date first


@dataclass(frozen=True)
class Row:
    """A recipient."""

    id: int
    mail_id: int
    address: str
    state: str
    token: int
    tries: int
    recovered: int
    internal_errors: int
    uncertain_count: int
    retry_at: int | None
    next_at: int | None
    cancel_asked: bool
    decided_by: str | None

    @property
    def counts(self) -> tuple[int, ...]:
        """What only grows."""
        return (
            self.token,
            self.tries,
            self.recovered,
            self.internal_errors,
            self.uncertain_count,
        )


@dataclass(frozen=True)
class Try:
    """An attempt; `covered` by its mark, if it has one."""

    id: int
    mail_id: int
    number: int
    targets: tuple[int, ...]
    version_id: int | None
    fence: int
    owner: str
    dot_at: int | None
    covered: tuple[int, ...]
    answer: str | None
    ended_at: int | None
    outcome: str | None

    @property
    def is_open_dot(self) -> bool:
        return self.dot_at is not None and self.answer is None


@dataclass(frozen=True)
class Event:
    name: str
    public_id: str  # of the message
    addresses: tuple[str, ...]
    state: str | None


@dataclass(frozen=True)
class Seen:
    """`at` this time; `events` are those since the last look."""

    at: int
    mails: dict[int, Mail]
    rows: dict[int, Row]
    tries: dict[int, Try]
    events: tuple[Event, ...]
    last_event: int
    version_id: int | None
    fence: int
    used: int

    @property
    def is_due(self) -> bool:
        return any(
            row.state in WAITING and (row.next_at or 0) <= self.at
            for row in self.rows.values()
        )

    def of(self, mail_id: int) -> list[Row]:
        return [row for row in self.rows.values() if row.mail_id == mail_id]

    def covering(self, row: Row) -> list[Try]:
        """The attempts whose dot is or was for this recipient, in order."""
        return [
            each
            for each in self.tries.values()
            if row.id in each.covered and each.mail_id == row.mail_id
        ]


def look(tenant: TenantRef, last_event: int = 0) -> Seen:
    events = fetch(_EVENTS, last_event)
    version_id, fence = fetch(_ROUTE, tenant.id)[0]
    return Seen(
        at=micros(clock()),
        mails={row[0]: _mail(row) for row in fetch(_MAILS)},
        rows={row[0]: _row(row) for row in fetch(_ROWS)},
        tries={row[0]: _try(row) for row in fetch(_TRIES)},
        events=tuple(_event(*row[1:]) for row in events),
        last_event=events[-1][0] if events else last_event,
        version_id=version_id,
        fence=fence,
        used=quota.used(tenant),
    )


def _mail(row: tuple[Any, ...]) -> Mail:
    frozen = [bytes(each) if isinstance(each, memoryview) else each for each in row[6:]]
    key, public_id, state, attempts, is_settled, scheduled_at = row[:6]
    return Mail(
        key, public_id, state, attempts, bool(is_settled), scheduled_at, tuple(frozen)
    )


def _row(row: tuple[Any, ...]) -> Row:
    return Row(*row[:11], bool(row[11]), row[12])


def _try(row: tuple[Any, ...]) -> Try:
    key, mail_id, number, targets, *rest = row
    version_id, fence, owner, dot_at, covered, *end = rest
    return Try(
        key,
        mail_id,
        number,
        tuple(loaded(targets)),
        version_id,
        fence,
        owner,
        dot_at,
        tuple(loaded(covered) or ()),
        *end,
    )


def _event(name: str, public_id: str, detail: Any) -> Event:
    told = loaded(detail)
    return Event(name, public_id, tuple(told.get("recipients", ())), told.get("state"))
