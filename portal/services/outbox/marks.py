"""Lines 5 and 6: the durable mark before the final dot, or why there is none."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from portal.services.actor import Actor
from portal.services.outbox.arrival import NOTHING, arrive
from portal.services.outbox.ledger import Settled, settle, settle_all
from portal.services.outbox.rows import (
    NOT_KEPT,
    AttemptRow,
    Case,
    apart,
    lock_attempts,
    lock_route,
)
from portal.services.outbox.sql import fetch
from portal.services.outbox.states import State
from portal.services.outbox.timing import Timing
from portal.services.outbox.verdict import Told, Verdict
from portal.services.outbox.why import because

RELEASED = "released"

_FENCE_HOLDS = (
    "SELECT 1 FROM attempt a JOIN message m ON m.id = a.message_id"
    " JOIN route r ON r.tenant_id = m.tenant_id"
    " WHERE a.id = ? AND r.fence = a.claimed_fence"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """An attempt that wants to write its dot for `accepted`."""

    actor: Actor
    attempt_id: int
    accepted: Collection[int]
    refused: Mapping[int, Verdict]
    timing: Timing
    told: Told | None = None


def mark(
    actor: Actor,
    attempt_id: int,
    *,
    accepted: Collection[int],
    refused: Mapping[int, Verdict],
    timing: Timing,
    told: Told | None = None,
) -> bool:
    """Line 5: the dot may be written, once this is committed, for `accepted`.

    False is line 6: the attempt ends here and its connection must be dropped. In
    both cases the refusals of RCPT are written in the same transaction, each by
    its own code, so that a crash cannot make them uncertain.
    """
    wanted = Mark(
        actor=actor,
        attempt_id=attempt_id,
        accepted=accepted,
        refused=refused,
        timing=timing,
        told=told,
    )
    return mark_all([wanted])[0]


def mark_all(wanted: Sequence[Mark]) -> list[bool]:
    """The same of several attempts, each of another message; else Raced."""
    held = lock_attempts([each.attempt_id for each in wanted])
    apart([case for case, _ in held.values()])
    fences = _locked_fences(held.values())
    granted: dict[int, bool] = {}
    settled: list[Settled] = []
    for each in wanted:
        case, attempt = held.get(each.attempt_id) or (None, None)
        if case and attempt and _is_open(attempt):
            granted[each.attempt_id] = _mark(each, case, attempt, fences)
            told = {"attempt": attempt.number, **_audited(each.told)}
            settled.append(Settled(each.actor, case, told))
    settle_all(settled)
    return [granted.get(each.attempt_id, False) for each in wanted]


def _mark(
    wanted: Mark, case: Case, attempt: AttemptRow, fences: Mapping[int, int]
) -> bool:
    fence, accepted = fences[case.message.tenant.id], wanted.accepted
    granted = fence == attempt.claimed_fence and _all_mine(case, attempt, accepted)
    _refuse(case, attempt, wanted.refused, wanted.timing)
    if granted:
        _write_mark(case, attempt, accepted)
    else:
        _release(case, attempt)
    return granted


def _locked_fences(held: Iterable[tuple[Case, AttemptRow]]) -> dict[int, int]:
    """By tenant, in one order for all who lock them."""
    tenants = {case.message.tenant.id for case, _ in held}
    return {tenant_id: lock_route(tenant_id) for tenant_id in sorted(tenants)}


def _is_open(attempt: AttemptRow) -> bool:
    return attempt.answer is None and not attempt.is_marked


def release(actor: Actor, attempt_id: int) -> bool:
    """Line 6 before DATA: nothing was sent, what is still mine is queued again.

    For an attempt that was not started, or that finds its route moved.
    """
    found = lock_attempts([attempt_id]).get(attempt_id)
    if found is None or not _is_open(found[1]):
        return False
    case, attempt = found
    _release(case, attempt)
    settle(actor, case, {"attempt": attempt.number})
    return True


def fence_holds(attempt_id: int) -> bool:
    """Whether the route stands where it stood at the claim; asked before MAIL.

    Only a saving: the mark asks again, under the lock.
    """
    return bool(fetch(_FENCE_HOLDS, attempt_id))


def _all_mine(case: Case, attempt: AttemptRow, accepted: Collection[int]) -> bool:
    """Token and state, and no wish to cancel. The token alone would let a slow
    worker mark what was queued again, and two dots would go out."""
    mine = {row.id for row in case.mine(attempt) if not row.cancel_asked}
    return bool(accepted) and mine.issuperset(accepted)


def _write_mark(case: Case, attempt: AttemptRow, accepted: Collection[int]) -> None:
    changes = {"dot_at": case.at, "dot_recipients": sorted(accepted)}
    guard = "id = ? AND dot_at IS NULL AND answer IS NULL"
    case.changes.add("attempt", changes, guard, attempt.id)
    attempt.is_marked, attempt.covered = True, frozenset(accepted)


def _refuse(
    case: Case, attempt: AttemptRow, refused: Mapping[int, Verdict], timing: Timing
) -> None:
    for recipient in case.mine(attempt):
        if verdict := refused.get(recipient.id):
            why = because(case, attempt, recipient, verdict, timing)
            arrive(case, recipient, verdict.to, why)


def _release(case: Case, attempt: AttemptRow) -> None:
    changes = {
        "answer": NOT_KEPT,
        "ended_at": case.at,
        "outcome": RELEASED,
        "lease_until": None,
    }
    case.changes.add("attempt", changes, "id = ? AND answer IS NULL", attempt.id)
    attempt.answer = NOT_KEPT
    for recipient in case.mine(attempt):
        arrive(case, recipient, State.QUEUED, NOTHING)


def _audited(told: Told | None) -> dict[str, object]:
    return {} if told is None else told.audited()
