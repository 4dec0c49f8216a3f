"""Arrival: the four rules that hold wherever a recipient changes its state."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from portal.services.outbox.rows import Case, Move, RecipientRow
from portal.services.outbox.states import FINAL, WAITING, State


@dataclass(frozen=True, slots=True, kw_only=True)
class Because:
    """What a recipient takes along into its new state."""

    next_at: datetime | None = None  # of queued and deferred
    retry_at: datetime | None = None  # of uncertain, if rule 2 lets it try again
    reply: dict[str, Any] | None = None
    stage: str | None = None
    counted: bool = False  # a try that the back-off counts
    held_fence: int | None = None  # it waits for the sender at this fence
    recovered: bool = False  # its attempt died before the mark
    internal: bool = False  # an error of ours


NOTHING = Because()


def arrive(
    case: Case, recipient: RecipientRow, to: State, why: Because = NOTHING
) -> None:
    """Move a recipient, unless a kept copy, a doubt or a wish say otherwise.

    The UPDATE names the state and the token it believes in; it is written when the
    case is settled.
    """
    arrived, counts = _where_to(case, recipient, to)
    changes = _changes(case, recipient, arrived, why)
    if counts:
        changes["uncertain_count"] = recipient.uncertain_count + 1
        changes["retry_at"] = why.retry_at if _may_retry(case, recipient) else None
    case.changes.add(
        "recipient",
        changes,
        "id = ? AND state = ? AND token = ?",
        recipient.id,
        recipient.state,
        recipient.token,
    )
    recipient.state, recipient.retry_at = arrived, changes["retry_at"]
    case.moves.append(Move(recipient, arrived, why.reply, why.stage))


def _where_to(case: Case, recipient: RecipientRow, to: State) -> tuple[State, bool]:
    """The state of arrival, and whether this is one more `uncertain`."""
    if case.kept(recipient):
        return State.SENT, False  # rule 1
    if to is State.UNCERTAIN:
        return to, True  # rule 2
    if to in WAITING and recipient.cancel_asked:
        to = State.CANCELLED  # rule 3
    if to in FINAL and to is not State.SENT and case.doubt(recipient):
        return State.UNCERTAIN, False  # rule 4: at rest, a person decides
    return to, False


def _may_retry(case: Case, recipient: RecipientRow) -> bool:
    """Rule 2: one retry only, and none that nobody wants any more.

    That the sender does not say `hold` is for the caller: it gives no `retry_at`.
    """
    return (
        recipient.uncertain_count == 0
        and not recipient.cancel_asked
        and case.at < recipient.expires_at
    )


def _changes(
    case: Case, recipient: RecipientRow, to: State, why: Because
) -> dict[str, Any]:
    changes: dict[str, Any] = {
        "state": str(to),
        "next_at": why.next_at or case.at if to in WAITING else None,
        "held_fence": why.held_fence if to is State.DEFERRED else None,
        "retry_at": None,
        "settled_at": case.at if to in FINAL else None,
    }
    if why.reply is not None or why.stage is not None:
        changes |= {"reply": why.reply, "stage": why.stage}
    if why.counted:
        changes["tries"] = recipient.tries + 1
    if why.recovered:
        changes["recovered"] = recipient.recovered + 1
    if why.internal:
        changes["internal_errors"] = recipient.internal_errors + 1
    return changes
