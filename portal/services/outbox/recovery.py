"""Lines 13 and 14: what attempts leave behind whose lease ended or owner died."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from functools import reduce
from operator import or_
from typing import Any

from peewee import Expression

from portal.services.actor import Actor
from portal.services.outbox.arrival import Because, arrive
from portal.services.outbox.ledger import settle
from portal.services.outbox.rows import NOT_KEPT, AttemptRow, Case, lock, moment, tuples
from portal.services.outbox.states import State
from portal.services.outbox.timing import Timing
from portal.services.outbox.why import unanswered
from portal.store.models import Attempt

LOST = "lost"
BATCH = 100


def ended(
    *, dead: Collection[str], by_lease: bool, held: Collection[int]
) -> list[tuple[int, int]]:
    """(message, attempt) of attempts to recover: their owner is dead, or their
    lease is over and nobody here holds them.

    `by_lease` False: a clock jumped or this process has just started; then one
    lease passes first, so that a living worker can renew.
    """
    ways: list[Expression] = []
    if dead:
        ways.append(Attempt.owner.in_(list(dead)))
    if by_lease:
        ways.append(Attempt.lease_until < moment())
    if not ways:
        return []
    query = (
        Attempt.select(Attempt.message, Attempt.id)
        .where(
            Attempt.ended_at.is_null(),
            Attempt.id.not_in(list(held)),
            reduce(or_, ways),
        )
        .order_by(Attempt.message, Attempt.number)
        .limit(BATCH)
    )
    return [(row[0], row[1]) for row in tuples(query)]


def recover(
    actor: Actor,
    found: Sequence[tuple[int, int]],
    *,
    dead: Collection[str],
    timing: Timing,
) -> int:
    """Before the mark: queued again. With a mark and no answer: uncertain.

    Asked again under the lock: the owner may have renewed its lease meanwhile.
    """
    attempts = {attempt_id for _, attempt_id in found}
    count = 0
    for case in lock(message_id for message_id, _ in found):
        mine = [row for row in case.attempts.values() if row.id in attempts]
        done = [row for row in mine if _end(case, row, dead, timing)]
        settle(actor, case, {"attempt": max((row.number for row in done), default=0)})
        count += len(done)
    return count


def owners() -> frozenset[str]:
    """Who holds attempts that have not ended."""
    query = Attempt.select(Attempt.owner).where(Attempt.ended_at.is_null()).distinct()
    return frozenset(row[0] for row in tuples(query))


def _end(
    case: Case, attempt: AttemptRow, dead: Collection[str], timing: Timing
) -> bool:
    changes: dict[str, Any] = {
        "ended_at": case.at,
        "outcome": LOST,
        "lease_until": None,
    }
    if not attempt.is_marked:
        changes["answer"] = NOT_KEPT
    rows = (
        Attempt.update(changes)
        .where(
            Attempt.id == attempt.id,
            Attempt.ended_at.is_null(),
            Attempt.answer.is_null(),
            (Attempt.lease_until < case.at) | Attempt.owner.in_(list(dead)),
        )
        .execute()
    )
    if rows != 1:
        return False
    attempt.answer = changes.get("answer")
    for recipient in case.mine(attempt):
        if not attempt.is_marked:
            again = Because(
                next_at=_next_at(case, recipient.recovered, timing), recovered=True
            )
            arrive(case, recipient, State.QUEUED, again)
        else:
            arrive(case, recipient, State.UNCERTAIN, unanswered(case, attempt, timing))
    return True


def _next_at(case: Case, recovered: int, timing: Timing) -> datetime:
    """At once; from the second time with a pause, for a mail that kills its
    process at each attempt."""
    if recovered == 0:
        return case.at
    return case.at + timing.pause(case.message.kind, recovered)
