"""The locks of the outbox, with two real connections and every order of commits.

Only PostgreSQL has them; SQLite lets one transaction write at a time. Without
them two transactions each read what the other changes, and both commit.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest

from portal.services.outbox import marks, results, wishes
from portal.services.outbox.claim import Claimed, claim
from portal.services.outbox.states import State
from portal.services.outbox.verdict import Answer, Ending, Told, Verdict
from portal.store.models import Route, proxy
from tests.outbox.conftest import MEANS, ROOM, Desk

pytestmark = pytest.mark.usefixtures("both_databases")


@pytest.fixture
def both_databases() -> str:
    return "postgresql"


class Side:
    """One connection with its own thread; a transaction stays open between steps."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1)
        self._thread.submit(self._begin).result()

    def do(self, work: Callable[[], Any]) -> Future[Any]:
        return self._thread.submit(work)

    def commit(self) -> None:
        self._thread.submit(self._commit).result()

    def close(self) -> None:
        self._thread.submit(proxy.close).result()
        self._thread.shutdown()

    def _begin(self) -> None:
        proxy.connect()
        self._transaction = proxy.atomic()
        self._transaction.__enter__()

    def _commit(self) -> None:
        self._transaction.__exit__(None, None, None)


@pytest.fixture
def sides(desk: Desk) -> Iterator[tuple[Side, Side]]:
    one, other = Side(), Side()
    yield one, other
    one.close()
    other.close()


def wait_until_blocked() -> None:
    """Until some connection of this database waits for a lock of another."""
    query = (
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE wait_event_type = 'Lock' AND datname = current_database()"
    )
    give_up_at = time.monotonic() + 10
    while not proxy.execute_sql(query).fetchone()[0]:
        assert time.monotonic() < give_up_at, "nobody waits for a lock"


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
    wait_until_blocked()
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
    wait_until_blocked()
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
    wait_until_blocked()
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
    wait_until_blocked()
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
    wait_until_blocked()
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
