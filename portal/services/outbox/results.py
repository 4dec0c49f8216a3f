"""Lines 7 to 12 and 15 to 19: how an attempt ended, also when it is late."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from portal.services.actor import Actor
from portal.services.outbox.arrival import arrive
from portal.services.outbox.ledger import Settled, settle_all
from portal.services.outbox.rows import (
    KEPT,
    NOT_KEPT,
    AttemptRow,
    Case,
    RecipientRow,
    apart,
    lock_attempts,
)
from portal.services.outbox.states import FINAL, State
from portal.services.outbox.timing import Timing
from portal.services.outbox.verdict import Answer, Ending
from portal.services.outbox.why import because, unanswered

INTERNAL_LIMIT = 3  # errors of ours that one mail may cause


@dataclass(frozen=True, slots=True)
class Result:
    """How an attempt ended, to be written."""

    actor: Actor
    attempt_id: int
    ending: Ending
    timing: Timing


def record(actor: Actor, attempt_id: int, ending: Ending, timing: Timing) -> bool:
    """Write the end of an attempt. May be repeated: the second time is nothing.

    The answer belongs to its attempt, so it counts also after the lease ended.
    False: the attempt had its answer, or is no more.
    """
    return record_all([Result(actor, attempt_id, ending, timing)])[0]


def record_all(results: Sequence[Result]) -> list[bool]:
    """The same of several attempts, each of another message; else Raced."""
    held = lock_attempts([each.attempt_id for each in results])
    apart([case for case, _ in held.values()])
    settled: dict[int, Settled] = {}
    for each in results:
        case, attempt = held.get(each.attempt_id) or (None, None)
        if case and attempt and _record(case, attempt, each.ending, each.timing):
            told = {"attempt": attempt.number, **each.ending.told.audited()}
            settled[each.attempt_id] = Settled(each.actor, case, told)
    settle_all(settled.values())
    return [each.attempt_id in settled for each in results]


def _record(case: Case, attempt: AttemptRow, ending: Ending, timing: Timing) -> bool:
    if not _close(case, attempt, ending):
        return False
    if not attempt.is_marked:
        _before_the_dot(case, attempt, ending, timing)
    elif ending.answer is Answer.NONE:
        _without_answer(case, attempt, timing)
    else:
        _after_the_dot(case, attempt, ending, timing)
    return True


def _close(case: Case, attempt: AttemptRow, ending: Ending) -> bool:
    """The attempt's row first, guarded by its having no answer (line 19)."""
    if attempt.answer is not None:
        return False
    changes: dict[str, Any] = ending.told.columns()
    if not attempt.is_marked or ending.answer is not Answer.NONE:
        changes["answer"] = KEPT if _is_kept(attempt, ending) else NOT_KEPT
    elif attempt.has_ended:
        return False  # the same "nobody knows" again
    changes |= {"ended_at": case.at, "lease_until": None}
    case.changes.add("attempt", changes, "id = ? AND answer IS NULL", attempt.id)
    attempt.answer = changes.get("answer")
    return True


def _is_kept(attempt: AttemptRow, ending: Ending) -> bool:
    return attempt.is_marked and ending.answer is Answer.KEPT


def _before_the_dot(
    case: Case, attempt: AttemptRow, ending: Ending, timing: Timing
) -> None:
    """Line 7: each recipient by its own verdict."""
    for recipient in case.mine(attempt):
        _arrive_by_verdict(case, attempt, recipient, ending, timing)


def _without_answer(case: Case, attempt: AttemptRow, timing: Timing) -> None:
    """Line 12: the dot stays open; only what this attempt still holds moves."""
    why = unanswered(case, attempt, timing)
    for recipient in case.mine(attempt):
        arrive(case, recipient, State.UNCERTAIN, why)


def _after_the_dot(
    case: Case, attempt: AttemptRow, ending: Ending, timing: Timing
) -> None:
    """Lines 8 to 11 for what is still held, 15 to 18 for what is not."""
    mine = {recipient.id for recipient in case.mine(attempt)}
    for recipient_id in attempt.covered:
        recipient = case.recipients.get(recipient_id)
        if recipient is None or recipient.state in FINAL:
            continue
        if recipient_id in mine:
            _arrive_by_answer(case, attempt, recipient, ending, timing)
        elif ending.answer is Answer.KEPT:
            _late_yes(case, recipient)
        else:
            _late_no(case, attempt, recipient, ending, timing)


def _arrive_by_answer(
    case: Case,
    attempt: AttemptRow,
    recipient: RecipientRow,
    ending: Ending,
    timing: Timing,
) -> None:
    if ending.answer is Answer.KEPT:
        verdict = ending.of(recipient.id)
        why = because(case, attempt, recipient, verdict, timing)
        arrive(case, recipient, State.SENT, why)
        return
    _arrive_by_verdict(case, attempt, recipient, ending, timing)


def _arrive_by_verdict(
    case: Case,
    attempt: AttemptRow,
    recipient: RecipientRow,
    ending: Ending,
    timing: Timing,
) -> None:
    verdict = ending.of(recipient.id)
    why = because(case, attempt, recipient, verdict, timing, ending.pause)
    spent = verdict.internal and recipient.internal_errors + 1 >= INTERNAL_LIMIT
    arrive(case, recipient, State.FAILED if spent else verdict.to, why)


def _late_yes(case: Case, recipient: RecipientRow) -> None:
    """Line 15; and 16: a newer attempt past its mark arrives at `sent` by itself."""
    newer = case.attempts.get(recipient.token)
    past_its_mark = newer is not None and newer.is_open_dot
    if recipient.state == State.SENDING and past_its_mark:
        return
    arrive(case, recipient, State.SENT)


def _late_no(
    case: Case,
    attempt: AttemptRow,
    recipient: RecipientRow,
    ending: Ending,
    timing: Timing,
) -> None:
    """Line 17: the last doubt is gone; 18: it was not the last, or no doubt."""
    if recipient.state != State.UNCERTAIN or case.doubt(recipient):
        return
    refused = ending.answer is Answer.REFUSED
    of_the_last = recipient.token == attempt.number
    verdict = ending.of(recipient.id)
    why = because(case, attempt, recipient, verdict, timing, ending.pause)
    if recipient.retry_at is not None and not (refused and of_the_last):
        arrive(case, recipient, State.DEFERRED, why)
    elif recipient.cancel_asked and not refused:
        arrive(case, recipient, State.CANCELLED, why)
    else:
        arrive(case, recipient, State.FAILED, why)
