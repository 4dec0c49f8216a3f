"""The locks of the outbox, with two real connections and every order of commits.

Only PostgreSQL has them; SQLite lets one transaction write at a time. Without
them two transactions each read what the other changes, and both commit.
"""

from __future__ import annotations

from functools import partial

import pytest

from portal.services.outbox import marks, results, wishes
from portal.services.outbox.claim import Claimed, claim
from portal.services.outbox.states import State
from portal.services.outbox.verdict import Answer, Ending, Told, Verdict
from portal.store.models import Route
from tests.outbox.conftest import MEANS, ROOM, Desk
from tests.outbox.sides import wait_until_blocked

pytestmark = pytest.mark.usefixtures("both_databases")


@pytest.fixture
def both_databases() -> str:
    return "postgresql"


def _mark(desk: Desk, attempt: Claimed) -> bool:
    return marks.mark(
        desk.engine,
        attempt.attempt_id,
        accepted=[target.id for target in attempt.targets],
        refused={},
        timing=desk.timing,
    )


def _move() -> None:
    Route.update(fence=Route.fence + 1).execute()


def test_an_activation_waits_for_a_mark_that_compared_its_fence(desk, sides):
    """Or it would answer "nothing is open" while a dot goes out (hole 2)."""
    desk.message()
    attempt = desk.claim()
    worker, admin = sides
    assert worker.do(partial(_mark, desk, attempt)).result()

    moved = admin.do(_move)
    wait_until_blocked(moved)
    assert not moved.done()
    worker.commit()
    moved.result()
    admin.commit()

    assert desk.attempt(attempt).dot_at is not None


def test_a_mark_waits_for_an_activation_and_is_refused(desk, sides):
    message = desk.message()
    attempt = desk.claim()
    worker, admin = sides
    admin.do(_move).result()

    marked = worker.do(partial(_mark, desk, attempt))
    wait_until_blocked(marked)
    admin.commit()

    assert not marked.result()
    worker.commit()
    assert desk.states(message) == ["queued"]


def test_two_marks_compare_one_fence_at_the_same_time(desk, sides):
    first, second = desk.message(), desk.message()
    attempts = [desk.claim(first), desk.claim(second)]
    one, other = sides
    assert one.do(partial(_mark, desk, attempts[0])).result()

    assert other.do(partial(_mark, desk, attempts[1])).result()

    other.commit()
    one.commit()


def test_a_claim_leaves_alone_what_another_worker_has_locked(desk, sides):
    desk.message()
    one, other = sides
    take = partial(claim, means=MEANS, room=ROOM, timing=desk.timing)
    assert len(one.do(partial(take, owner="worker-1")).result()) == 1

    assert other.do(partial(take, owner="worker-2")).result() == []

    one.commit()
    other.commit()


def test_a_mark_waits_for_a_cancel_and_obeys_it(desk, sides):
    message = desk.message()
    attempt = desk.claim()
    worker, caller = sides
    caller.do(partial(wishes.cancel, desk.engine, message.id)).result()

    marked = worker.do(partial(_mark, desk, attempt))
    wait_until_blocked(marked)
    caller.commit()

    assert not marked.result()
    worker.commit()
    assert desk.states(message) == ["cancelled"]


def test_a_cancel_waits_for_a_mark_and_comes_too_late(desk, sides):
    message = desk.message()
    attempt = desk.claim()
    worker, caller = sides
    assert worker.do(partial(_mark, desk, attempt)).result()

    cancelled = caller.do(partial(wishes.cancel, desk.engine, message.id))
    wait_until_blocked(cancelled)
    worker.commit()
    cancelled.result()
    caller.commit()

    assert desk.states(message) == ["sending"]
    assert desk.recipients(message)[0].cancel_asked


def test_two_late_answers_of_one_message_are_written_one_after_the_other(desk, sides):
    """Each sees what the other wrote, so the last "no" finds no doubt left."""
    message = desk.message()
    first = desk.uncertain_by_lease(message)
    desk.retry()
    second = desk.claim(owner="worker-2")
    desk.mark(second)
    desk.lease_ends(second)
    one, other = sides
    no = partial(_no, desk)
    assert one.do(partial(no, first)).result()

    late = other.do(partial(no, second))
    wait_until_blocked(late)
    one.commit()

    assert late.result()
    other.commit()
    assert desk.states(message) == ["failed"]


def _no(desk: Desk, attempt: Claimed) -> bool:
    ending = Ending(
        answer=Answer.REFUSED,
        rest=Verdict(to=State.FAILED),
        told=Told(outcome="failed"),
    )
    return results.record(desk.engine, attempt.attempt_id, ending, desk.timing)
