"""A message's row under FOR UPDATE: whoever comes second sees what the first wrote.

Each step is a transaction of its own connection and stays open until the test
commits it. Only PostgreSQL interleaves them.
"""

from __future__ import annotations

from functools import partial

import pytest

from portal.services.outbox import marks, recovery, results, schedule, wishes
from portal.services.outbox.claim import Claimed, claim
from portal.services.outbox.rows import lock
from portal.services.outbox.states import State
from portal.services.outbox.verdict import Answer, Ending, Told
from portal.store.models import Attempt, Message, Recipient, proxy
from tests.outbox.conftest import MEANS, ROOM, VERDICTS, Desk
from tests.outbox.sides import wait_until_blocked

pytestmark = pytest.mark.usefixtures("both_databases")


@pytest.fixture
def both_databases() -> str:
    return "postgresql"


def _mark(desk: Desk, attempt: Claimed) -> bool:
    ids = [target.id for target in attempt.targets]
    return marks.mark(
        desk.engine,
        attempt.attempt_id,
        accepted=ids,
        refused={},
        timing=desk.timing,
    )


def _record(desk: Desk, attempt: Claimed, answer: Answer) -> bool:
    told = Told(outcome=str(answer))
    ending = Ending(answer=answer, rest=VERDICTS[answer], told=told)
    return results.record(desk.engine, attempt.attempt_id, ending, desk.timing)


def _claim(desk: Desk) -> list[Claimed]:
    return claim(owner="worker-1", means=MEANS, room=ROOM, timing=desk.timing)


def _recover(desk: Desk) -> int:
    found = recovery.ended(dead=(), by_lease=True, held=())
    return recovery.recover(desk.engine, found, dead=(), timing=desk.timing)


def _retried(desk: Desk) -> tuple[Claimed, Claimed]:
    """A slow attempt that owns a dot, and the one retry, claimed."""
    desk.message()
    slow = desk.uncertain_by_lease(Message.get())
    desk.retry()
    return slow, desk.claim(owner="worker-2")


def test_messages_are_locked_in_order_of_id(desk, sides):
    """Or two that take several would each wait for what the other holds."""
    first, second = desk.message(), desk.message()
    Message.update(subject="Behind the other").where(Message.id == first.id).execute()
    one, other = sides
    one.do(partial(lock, [first.id])).result()
    # These would hide a missing order, each by one of its own.
    for plan in ("indexscan", "bitmapscan", "hashjoin", "mergejoin"):
        other.do(partial(proxy.execute_sql, f"SET LOCAL enable_{plan} = off")).result()

    both = other.do(partial(lock, [second.id, first.id]))
    wait_until_blocked(both)

    sql = "SELECT 1 FROM message WHERE id = %s FOR UPDATE NOWAIT"
    with proxy.atomic():  # nobody holds the second while waiting for the first
        assert proxy.execute_sql(sql, (second.id,)).fetchone() == (1,)
    one.commit()
    assert [case.message.id for case in both.result()] == [first.id, second.id]


def test_a_newer_mark_waits_for_a_late_yes_and_is_refused(desk, sides):
    """Hole 4: both would commit, and a copy would go out after `sent`."""
    slow, newer = _retried(desk)
    one, other = sides
    assert one.do(partial(_record, desk, slow, Answer.KEPT)).result()

    marked = other.do(partial(_mark, desk, newer))
    wait_until_blocked(marked)
    one.commit()

    assert not marked.result()
    other.commit()
    assert desk.states(Message.get()) == ["sent"]
    assert desk.attempt(newer).dot_at is None


def test_a_late_yes_waits_for_a_newer_mark_and_leaves_it_its_end(desk, sides):
    """Hole 4, the other order: `sent` comes with the end of the newer attempt."""
    slow, newer = _retried(desk)
    one, other = sides
    assert one.do(partial(_mark, desk, newer)).result()

    late = other.do(partial(_record, desk, slow, Answer.KEPT))
    wait_until_blocked(late)
    one.commit()

    assert late.result()
    other.commit()
    assert desk.states(Message.get()) == ["sending"]
    desk.record(newer, Answer.DEFERRED)
    assert desk.states(Message.get()) == ["sent"]


def test_a_result_waits_for_a_recovery_and_is_late(desk, sides):
    message = desk.message()
    attempt = desk.claim()
    desk.mark(attempt)
    Attempt.update(lease_until=1).execute()
    one, other = sides
    assert one.do(partial(_recover, desk)).result() == 1

    late = other.do(partial(_record, desk, attempt, Answer.KEPT))
    wait_until_blocked(late)
    one.commit()

    assert late.result()
    other.commit()
    assert desk.events(message) == ["email.uncertain", "email.sent"]


def test_a_recovery_waits_for_a_result_and_finds_it_ended(desk, sides):
    message = desk.message()
    attempt = desk.claim()
    desk.mark(attempt)
    Attempt.update(lease_until=1).execute()
    one, other = sides
    assert one.do(partial(_record, desk, attempt, Answer.KEPT)).result()

    recovered = other.do(partial(_recover, desk))
    wait_until_blocked(recovered)
    one.commit()

    assert recovered.result() == 0
    other.commit()
    assert desk.events(message) == ["email.sent"]


def test_a_cancel_waits_for_a_claim_and_leaves_its_wish(desk, sides):
    message = desk.message()
    worker, caller = sides
    assert len(worker.do(partial(_claim, desk)).result()) == 1

    cancelled = caller.do(partial(wishes.cancel, desk.engine, message.id))
    wait_until_blocked(cancelled)
    worker.commit()
    cancelled.result()
    caller.commit()

    assert desk.states(message) == ["sending"]
    assert desk.recipients(message)[0].cancel_asked


def test_a_claim_takes_nothing_that_is_being_cancelled(desk, sides):
    message = desk.message()
    caller, worker = sides
    caller.do(partial(wishes.cancel, desk.engine, message.id)).result()

    assert worker.do(partial(_claim, desk)).result() == []

    caller.commit()
    worker.commit()
    assert desk.states(message) == ["cancelled"]


def test_the_one_retry_waits_for_a_cancel_and_is_none(desk, sides):
    """Both are of a recipient that stays uncertain: no guard but the lock."""
    message = desk.message()
    desk.uncertain(message)
    Recipient.update(retry_at=1).execute()
    caller, time = sides
    caller.do(partial(wishes.cancel, desk.engine, message.id)).result()

    retried = time.do(partial(schedule.retry_uncertain, desk.engine))
    wait_until_blocked(retried)
    caller.commit()

    assert retried.result() == 0
    time.commit()
    assert desk.states(message) == ["uncertain"]
    assert desk.claim_all() == []


def test_expiry_waits_for_a_claim_and_leaves_it(desk, sides):
    message = desk.message()
    Recipient.update(expires_at=1).execute()
    worker, time = sides
    assert len(worker.do(partial(_claim, desk)).result()) == 1

    expired = time.do(partial(schedule.expire, desk.engine))
    wait_until_blocked(expired)
    worker.commit()

    assert expired.result() == 0
    time.commit()
    assert desk.states(message) == ["sending"]


def test_a_late_yes_waits_for_a_person_who_decides(desk, sides):
    message = desk.message()
    attempt = desk.uncertain(message)
    ids = [row.id for row in desk.recipients(message)]
    person, worker = sides
    decide = partial(wishes.decide, desk.engine, message.id, State.FAILED, ids)
    assert person.do(decide).result() == 1

    late = worker.do(partial(_record, desk, attempt, Answer.KEPT))
    wait_until_blocked(late)
    person.commit()

    assert late.result()
    worker.commit()
    assert desk.states(message) == ["failed"]
    assert desk.attempt(attempt).answer == "kept"
