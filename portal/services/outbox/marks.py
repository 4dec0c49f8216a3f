"""Lines 5 and 6: the durable mark before the final dot, or why there is none."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from portal.services.actor import Actor
from portal.services.outbox.arrival import NOTHING, arrive
from portal.services.outbox.ledger import settle
from portal.services.outbox.rows import (
    NOT_KEPT,
    AttemptRow,
    Case,
    Raced,
    lock_attempt,
    lock_route,
)
from portal.services.outbox.sql import change, fetch, places
from portal.services.outbox.states import State
from portal.services.outbox.timing import Timing
from portal.services.outbox.verdict import Told, Verdict
from portal.services.outbox.why import because

RELEASED = "released"

_HELD = (
    "SELECT count(*) FROM recipient"
    " WHERE message_id = ? AND token = ? AND state = ? AND cancel_asked = ?"
)
_FENCE_HOLDS = (
    "SELECT 1 FROM attempt a JOIN message m ON m.id = a.message_id"
    " JOIN route r ON r.tenant_id = m.tenant_id"
    " WHERE a.id = ? AND r.fence = a.claimed_fence"
)


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
    found = lock_attempt(attempt_id)
    if found is None:
        return False
    case, attempt = found
    if attempt.answer is not None or attempt.is_marked:
        return False
    fence = lock_route(case.message.tenant.id)
    granted = fence == attempt.claimed_fence and _all_mine(case, attempt, accepted)
    _refuse(case, attempt, refused, timing)
    if granted:
        _write_mark(case, attempt, accepted)
    else:
        _release(case, attempt)
    settle(actor, case, {"attempt": attempt.number, **_audited(told)})
    return granted


def release(actor: Actor, attempt_id: int) -> bool:
    """Line 6 before DATA: nothing was sent, what is still mine is queued again.

    For an attempt that was not started, or that finds its route moved.
    """
    found = lock_attempt(attempt_id)
    if found is None:
        return False
    case, attempt = found
    if attempt.answer is not None or attempt.is_marked:
        return False
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
    sql = f"{_HELD} AND id IN ({places(accepted)})"
    rows = (
        fetch(sql, case.message.id, attempt.number, State.SENDING, False, *accepted)
        if accepted
        else [(0,)]
    )
    return bool(accepted) and rows[0][0] == len(accepted)


def _write_mark(case: Case, attempt: AttemptRow, accepted: Collection[int]) -> None:
    changes = {"dot_at": case.at, "dot_recipients": sorted(accepted)}
    guard = "id = ? AND dot_at IS NULL AND answer IS NULL"
    if change("attempt", changes, guard, attempt.id) != 1:
        raise Raced(f"attempt {attempt.id} has its mark or its answer")
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
    if change("attempt", changes, "id = ? AND answer IS NULL", attempt.id) != 1:
        raise Raced(f"attempt {attempt.id} has its answer")
    attempt.answer = NOT_KEPT
    for recipient in case.mine(attempt):
        arrive(case, recipient, State.QUEUED, NOTHING)


def _audited(told: Told | None) -> dict[str, object]:
    return {} if told is None else told.audited()
