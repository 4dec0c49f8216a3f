"""What holds of the outbox whatever happened to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from portal.services import audit, quota
from portal.services.actor import Actor
from portal.services.outbox.states import FINAL, State
from portal.store.models import (
    Attempt,
    Counter,
    Message,
    MessageContent,
    Recipient,
    proxy,
)
from tests.faults.household import House, inhabited
from tests.faults.moody import Copy, Moody

ENDED = (*FINAL, State.UNCERTAIN)
NONE_KEPT = (State.FAILED, State.EXPIRED, State.CANCELLED)


@dataclass(frozen=True)
class Row:
    """One recipient of one message, with its attempts."""

    subject: str
    message_id: str
    address: str
    state: str
    uncertain_count: int
    retry_at: Any
    marks: int  # attempts whose dot may be out
    refusals: int  # of these: those that the relay answered with no


@dataclass
class Found:
    """All rows after a fault; `faults` is what does not hold."""

    rows: list[Row] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    copies: int = 0
    extra: int = 0

    @property
    def states(self) -> dict[str, int]:
        counted: dict[str, int] = {}
        for row in self.rows:
            counted[row.state] = counted.get(row.state, 0) + 1
        return counted

    def line(self) -> str:
        states = ", ".join(f"{n} {state}" for state, n in sorted(self.states.items()))
        return f"{states}; lost 0, changed Message-ID 0, extra copies {self.extra}"


def rows_of(house: House) -> list[Row]:
    with inhabited(house.settings):
        return _rows()


def unsettled(house: House) -> int:
    """Recipients that still wait or move, or whose one retry is to come."""
    return sum(
        row.state not in ENDED or row.retry_at is not None for row in rows_of(house)
    )


def judge(house: House, relay: Moody | None = None) -> Found:
    """Everything is at rest: read all rows and hold them against the sink."""
    found = Found()
    with inhabited(house.settings) as make:
        found.rows = _rows()
        _database_is_whole(found)
        _attempts_are_counted(found)
        actor = Actor(
            installation=make.installation, tenant=house.tenant, system="tests"
        )
        broken = audit.verify(actor).broken_at
        if broken is not None:
            found.faults.append(f"the audit chain is broken at {broken}")
        # Of all months: the wall clock may have been in another one.
        used = sum(
            row.used
            for row in Counter.select()
            if row.name == f"{quota.PREFIX}{house.tenant.id}"
        )
        through_api = Recipient.select().join(Message).where(Message.key.is_null(False))
        if used != through_api.count():
            found.faults.append(f"quota {used}, accepted {through_api.count()}")
    _nothing_disappeared(found, house.accepted)
    if relay is not None:
        _copies_agree(found, relay)
    return found


def holds(house: House, relay: Moody | None = None) -> Found:
    found = judge(house, relay)
    assert found.faults == [], found.faults[:10]
    return found


def _rows() -> list[Row]:
    names = {row.id: (row.subject, row.message_id) for row in Message.select()}
    attempts: dict[int, list[Attempt]] = {}
    for attempt in Attempt.select().where(Attempt.dot_at.is_null(False)):
        for recipient_id in attempt.dot_recipients or ():
            attempts.setdefault(recipient_id, []).append(attempt)
    return [
        Row(
            subject=names[row.message_id][0],
            message_id=names[row.message_id][1],
            address=row.address,
            state=row.state,
            uncertain_count=row.uncertain_count,
            retry_at=row.retry_at,
            marks=len(attempts.get(row.id, ())),
            refusals=sum(a.answer == "not_kept" for a in attempts.get(row.id, ())),
        )
        for row in Recipient.select().order_by(Recipient.id)
    ]


def _database_is_whole(found: Found) -> None:
    contents = MessageContent.select().count()
    messages = Message.select().count()
    if contents != messages:
        found.faults.append(f"{messages} messages, {contents} contents")
    if not hasattr(proxy.obj, "pragma"):
        return
    said = proxy.obj.pragma("integrity_check")
    if said != "ok":
        found.faults.append(f"integrity_check: {said}")


def _attempts_are_counted(found: Found) -> None:
    """Numbers grow without a gap, and the message knows the last one."""
    for message in Message.select():
        rows = Attempt.select().where(Attempt.message == message.id)
        numbers = sorted(row.number for row in rows)
        if numbers != list(range(1, message.attempts + 1)):
            found.faults.append(f"{message.subject}: attempts {numbers}")


def _nothing_disappeared(found: Found, accepted: Mapping[str, str]) -> None:
    there = {row.subject: row.message_id for row in found.rows}
    for subject, message_id in accepted.items():
        if there.get(subject) != message_id:
            found.faults.append(f"{subject}: accepted, now {there.get(subject)}")
    for row in found.rows:
        if row.state not in ENDED:
            found.faults.append(f"{row.subject}: still {row.state}")
        # Promise 2: between two marks lies a negative answer or an `uncertain`.
        if row.marks - row.refusals > 1 + row.uncertain_count:
            found.faults.append(f"{row.subject}: {row.marks} marks, {row}")


def _copies_agree(found: Found, relay: Moody) -> None:
    known = {(row.subject, row.address) for row in found.rows}
    for key in relay.copies.keys() - known:
        found.faults.append(f"{key}: a copy of no mail of ours")
    for row in found.rows:
        copies = relay.copies.get((row.subject, row.address), [])
        found.copies += len(copies)
        found.extra += max(len(copies) - 1, 0)
        found.faults += _wrong(row, copies)


def _wrong(row: Row, copies: list[Copy]) -> list[str]:
    said = f"{row.subject} to {row.address}: {row.state}, {len(copies)} copies"
    faults = []
    if row.state == State.SENT and not copies:
        faults.append(said)
    if row.state in NONE_KEPT and copies:
        faults.append(said)
    if len(copies) > 1 + row.uncertain_count:
        faults.append(f"{said}, uncertain {row.uncertain_count} times")
    if {copy.message_id for copy in copies} - {row.message_id}:
        faults.append(f"{said}: another Message-ID")
    if len({copy.date for copy in copies}) > 1:
        faults.append(f"{said}: another Date")
    return faults
