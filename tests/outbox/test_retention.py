"""Old settled mail is forgotten; what somebody may have to decide never is."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest

from portal.services.outbox import owners, retention
from portal.services.outbox.verdict import Answer
from portal.store.database import locking
from portal.store.fields import now
from portal.store.models import Attempt, AuditEvent, Message, MessageContent, Recipient

pytestmark = pytest.mark.usefixtures("both_databases")


def settled(desk, *, days: int, answer: Answer = Answer.KEPT) -> Message:
    message = desk.message()
    attempt = desk.claim(message)
    assert desk.mark(attempt)
    assert desk.record(attempt, answer)
    age(message, days)
    return message


def age(message: Message, days: int) -> None:
    at = now() - timedelta(days=days)
    Message.update(accepted_at=at).where(Message.id == message.id).execute()
    Message.update(settled_at=at).where(
        Message.id == message.id, Message.settled_at.is_null(False)
    ).execute()


def sweep(desk, days=90) -> int:
    return desk.run(partial(retention.sweep, days))


def test_what_is_old_and_settled_goes_with_all_that_hangs_on_it(desk):
    old, young = settled(desk, days=91), settled(desk, days=89)
    audited = AuditEvent.select().count()

    assert sweep(desk) == 1

    assert [row.id for row in Message.select()] == [young.id]
    for table in (MessageContent, Recipient, Attempt):
        assert table.select().where(table.message == old.id).count() == 0
    assert AuditEvent.select().count() == audited
    assert sweep(desk) == 0


def test_what_waits_or_is_uncertain_stays_however_old(desk):
    waiting = desk.message()
    age(waiting, 400)
    doubtful = desk.message()
    desk.uncertain(doubtful)
    age(doubtful, 400)

    assert sweep(desk) == 0


def test_an_open_dot_keeps_its_message(desk):
    """A person decided, but the relay may still answer."""
    from portal.services.outbox.states import State

    message = desk.message()
    desk.uncertain(message)
    desk.decide(message, State.SENT)
    age(message, 400)
    assert Message.get_by_id(message.id).settled_at is not None

    assert sweep(desk) == 0


def test_a_batch_is_small(desk, monkeypatch):
    monkeypatch.setattr(retention, "BATCH", 2)
    for _ in range(3):
        settled(desk, days=100)

    assert (sweep(desk), sweep(desk), sweep(desk)) == (2, 1, 0)


def test_an_owner_is_dead_when_its_lock_stays_free(database):
    """PostgreSQL forgets all locks when it restarts; a file never does."""
    suspects = owners.Suspects(grace_s=10)

    seen = [
        suspects.confirmed(["a", "b"], at=0),
        suspects.confirmed(["a"], at=6),
        suspects.confirmed(["a", "b"], at=11),
    ]

    if locking():
        assert seen == [frozenset(), frozenset(), frozenset({"a"})]
    else:
        assert seen == [{"a", "b"}, {"a"}, {"a", "b"}]
