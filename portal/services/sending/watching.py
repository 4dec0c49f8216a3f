"""Waiting for what becomes of mail, as long as something may still come in time."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime, timedelta

from portal.services.actor import Actor
from portal.services.outbox.states import FINAL, State
from portal.store.database import connection
from portal.store.fields import now
from portal.store.models import Message, Recipient

_FIRST_PAUSE_S = 0.01
_LONGEST_PAUSE_S = 0.2


def wait_for(actor: Actor, message_ids: Sequence[str], wait_s: float) -> bool:
    """Whether all recipients of these messages came to their end in time.

    Gives up early when nothing more can come before: a pause of an hour is not
    worth the rest of ten seconds.
    """
    ends_at, until = time.monotonic() + wait_s, now() + timedelta(seconds=wait_s)
    pause_s = _FIRST_PAUSE_S
    while True:
        ended, hopeful = _look(actor, message_ids, until)
        if ended or not hopeful or time.monotonic() >= ends_at:
            return ended
        time.sleep(min(pause_s, max(ends_at - time.monotonic(), 0)))
        pause_s = min(1.5 * pause_s, _LONGEST_PAUSE_S)


def _look(
    actor: Actor, message_ids: Sequence[str], until: datetime
) -> tuple[bool, bool]:
    """Whether all have ended, and whether more may come until then."""
    query = (
        Recipient.select(Recipient.state, Recipient.next_at, Recipient.retry_at)
        .join(Message)
        .where(
            Message.tenant == actor.here.id,
            Message.public_id.in_(list(message_ids)),
        )
    )
    with connection():
        rows = list(query)
    open_ones = [row for row in rows if row.state not in FINAL]
    return not open_ones, any(_may_move(row, until) for row in open_ones)


def _may_move(row: Recipient, until: datetime) -> bool:
    if row.state == State.SENDING:
        return True
    due_at = row.retry_at if row.state == State.UNCERTAIN else row.next_at
    return due_at is not None and due_at <= until
