"""Lines 23 to 25: what people ask of a message that is on its way."""

from __future__ import annotations

from collections.abc import Collection

from portal.errors import Invalid
from portal.services import audit
from portal.services.actor import Actor
from portal.services.outbox.arrival import arrive
from portal.services.outbox.ledger import refund, settle
from portal.services.outbox.rows import Case, RecipientRow, lock
from portal.services.outbox.sql import Raced
from portal.services.outbox.states import FINAL, WAITING, State
from portal.store.models import Message, Recipient

DECISIONS = (State.SENT, State.FAILED)


def cancel(actor: Actor, message_id: int) -> None:
    """What waits is cancelled; the rest keeps the wish (lines 23 and 24).

    After this is committed no further mark of the message is; a mark committed
    before may still become a copy.
    """
    for case in lock([message_id]):
        Message.update(cancel_asked=True).where(Message.id == message_id).execute()
        unused = 0
        for recipient in case.recipients.values():
            if recipient.state in FINAL:
                continue
            _wish(recipient)
            if recipient.state in WAITING:
                unused += recipient.token == 0
                arrive(case, recipient, State.CANCELLED)
        refund(case, unused)
        settle(actor, case)


def decide(actor: Actor, message_id: int, to: State, ids: Collection[int]) -> int:
    """Line 25: a person says what became of a mail that nobody answered for.

    For good: a later answer is written to its attempt only. The number of
    recipients that this decided.
    """
    if to not in DECISIONS:
        raise Invalid("decision", "Say sent or failed.")
    count = 0
    for case in lock([message_id]):
        decided = [
            _decide(actor, case, case.recipients[key], to)
            for key in ids
            if key in case.recipients and case.recipients[key].state == State.UNCERTAIN
        ]
        count += len(decided)
        settle(actor, case)  # the message's state; the audit row is our own
        if decided:
            audit.record(
                actor.within(case.message.tenant, actor.role),
                "email.decided",
                subject_kind="message",
                subject_id=case.message.public_id,
                detail={"recipients": decided, "state": str(to)},
            )
    return count


def _wish(recipient: RecipientRow) -> None:
    rows = (
        Recipient.update(cancel_asked=True, retry_at=None)
        .where(Recipient.id == recipient.id, Recipient.state == recipient.state)
        .execute()
    )
    if rows != 1:
        raise Raced(f"recipient {recipient.id} is no longer {recipient.state}")
    recipient.cancel_asked, recipient.retry_at = True, None


def _decide(actor: Actor, case: Case, recipient: RecipientRow, to: State) -> str:
    changes = {
        "state": str(to),
        "retry_at": None,
        "settled_at": case.at,
        "decided_by": actor.label[:254],
    }
    rows = (
        Recipient.update(changes)
        .where(Recipient.id == recipient.id, Recipient.state == State.UNCERTAIN)
        .execute()
    )
    if rows != 1:
        raise Raced(f"recipient {recipient.id} is no longer uncertain")
    recipient.state = str(to)
    return recipient.address
