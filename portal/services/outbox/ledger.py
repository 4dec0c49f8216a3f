"""What every transition leaves behind: the message's state, and its audit rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from portal.services import audit, quota
from portal.services.actor import Actor
from portal.services.outbox.rows import Case, Move
from portal.services.outbox.sql import Changes
from portal.services.outbox.states import FINAL, State, derive

ALERT = "alert"  # the origin of mail outside every quota

# By where a recipient arrived, so that a diverted transition says what it became.
EVENTS = {
    State.QUEUED: "email.requeued",
    State.DEFERRED: "email.deferred",
    State.SENT: "email.sent",
    State.FAILED: "email.send_failed",
    State.EXPIRED: "email.send_failed",
    State.UNCERTAIN: "email.uncertain",
    State.CANCELLED: "email.cancelled",
}


@dataclass(frozen=True, slots=True)
class Settled:
    """A message whose moves are done, and what is told of them."""

    actor: Actor
    case: Case
    detail: Mapping[str, Any]


def settle(actor: Actor, case: Case, detail: Mapping[str, Any] | None = None) -> None:
    """Write what the moves of this transaction come to; last, for the chain's lock.

    One audit row an event and answer, naming its recipients: a mail of which one
    recipient was sent and one failed has two.
    """
    settle_all([Settled(actor, case, detail or {})])


def settle_all(settled: Iterable[Settled]) -> None:
    """The same of several messages, which were locked together."""
    happened: list[audit.Happened] = []
    changes: Changes | None = None
    for each in settled:
        changes = each.case.changes
        _store_state(each.case)
        happened += _happened(each)
    if changes is not None:
        changes.write()
    audit.record_all(happened)


def _happened(settled: Settled) -> Iterator[audit.Happened]:
    message = settled.case.message
    for moves in _alike(settled.case.moves):
        yield audit.Happened(
            settled.actor.within(message.tenant),
            EVENTS[moves[0].to],
            "message",
            message.public_id,
            {
                "recipients": [move.recipient.address for move in moves],
                "state": str(moves[0].to),
                **_told(moves[0], settled.detail),
            },
        )


def refund(case: Case, recipients: int) -> None:
    """Give back what the accept reserved, for recipients that were never claimed.
    An alert of the portal's own reserved nothing."""
    if recipients and case.message.origin != ALERT:
        message = case.message
        quota.refund(message.tenant.id, recipients, at=message.accepted_at)


def _store_state(case: Case) -> None:
    state = derive(row.state for row in case.recipients.values())
    changes: dict[str, Any] = {}
    if state != case.message.state:
        changes["state"] = state
    ended = all(row.state in FINAL for row in case.recipients.values())
    if ended and not case.message.is_settled:
        changes["settled_at"] = case.at
    if changes:
        case.changes.add("message", changes, "id = ?", case.message.id)


def _told(move: Move, detail: Mapping[str, Any]) -> dict[str, Any]:
    """What is told of the attempt, with this recipient's own answer in it."""
    told = dict(detail)
    if move.to is State.SENT:
        told.pop("diagnosis", None)  # it is of those who were refused
    if move.reply is not None:
        told |= {"reply": move.reply, "stage": move.stage}
    return told


def _alike(moves: list[Move]) -> list[list[Move]]:
    found: dict[tuple[State, int | None], list[Move]] = {}
    for move in moves:
        code = move.reply["code"] if move.reply else None
        found.setdefault((move.to, code), []).append(move)
    return list(found.values())
