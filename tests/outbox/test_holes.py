"""Holes that a first plan of the outbox had, each as the shortest way into it.

Most are tests beside the line that closes them; docs/outbox.md names them all.
"""

from __future__ import annotations

import pytest

from portal.services.outbox.states import State
from portal.services.outbox.verdict import Answer
from portal.services.senders.routing import LeftBehind, left_behind
from portal.store.models import Route
from tests.outbox.conftest import FAILED

pytestmark = pytest.mark.usefixtures("both_databases")


def test_hole_1_mark_names_state(desk):
    """The token alone does not say that the mail is still this worker's to send."""
    message = desk.message()
    slow = desk.claim()
    desk.lease_ends(slow)
    desk.expire()
    assert desk.recipients(message)[0].token == slow.number

    assert not desk.mark(slow)

    assert desk.attempt(slow).dot_at is None
    assert desk.states(message) == ["expired"]


def test_hole_3_mark_keeps_refusals(desk):
    """A crash behind the mark leaves no doubt about those whom RCPT refused."""
    message = desk.message("a@example.com", "b@example.com")
    attempt = desk.claim()
    desk.mark(attempt, refused={attempt.targets[1].id: FAILED})

    desk.lease_ends(attempt)

    assert desk.states(message) == ["uncertain", "failed"]
    assert desk.attempt(attempt).dot_recipients == [attempt.targets[0].id]


def test_hole_4_late_answer(desk):
    """A 2yz that was read while the lease ended, or whose COMMIT failed for long."""
    message = desk.message()
    slow = desk.uncertain_by_lease(message)
    desk.retry()

    assert desk.record(slow, Answer.KEPT)

    assert desk.states(message) == ["sent"]
    assert desk.claim_all(message) == []  # nobody sends what is known to be there


@pytest.mark.parametrize("then", ["uncertain", "decided", "failed"])
def test_hole_6_name_unanswered(desk, then):
    """The answer to an activation counts dots, whatever became of the recipients:
    a slow worker may still write each of these through the old version."""
    message = desk.message()
    slow = desk.claim()
    assert desk.mark(slow)
    desk.move_route()
    desk.lease_ends(slow)
    if then == "decided":
        desk.decide(message, State.SENT)
    elif then == "failed":
        desk.decide(message, State.FAILED)

    found = left_behind(desk.tenant.id, Route.get().fence)

    assert found == LeftBehind(waiting=0, uncertain=1)
    desk.record(slow, Answer.REFUSED)
    assert left_behind(desk.tenant.id, Route.get().fence) == LeftBehind()


def test_hole_8_claim_handover(desk):
    """What was handed over in memory is claimed like any row, so that another
    worker's look finds it taken, also behind the mark."""
    message = desk.message()
    handed_over = desk.claim(message)
    assert desk.mark(handed_over)

    assert desk.claim_all(owner="worker-2") == []
    assert desk.claim_all(message, owner="worker-2") == []
    assert desk.recipients(message)[0].token == handed_over.number


@pytest.mark.parametrize("end", ["answered", "crashed", "withdrawn", "released"])
def test_hole_13_cancel_kept(desk, end):
    """A DELETE during the attempt is remembered however the attempt ends."""
    message = desk.message()
    attempt = desk.claim()
    desk.cancel(message)

    if end == "answered":
        desk.record(attempt, Answer.BEFORE)
    elif end == "crashed":
        desk.lease_ends(attempt)
    elif end == "withdrawn":
        assert not desk.mark(attempt)
    else:
        desk.release(attempt)

    assert desk.states(message) == ["cancelled"]
    assert desk.claim_all(message) == []


def test_hole_15_one_read(desk, make):
    """After an activation the claim has its version and its fence, or neither."""
    desk.message()
    new = make.sender(desk.tenant)

    attempt = desk.claim()

    row, route = desk.attempt(attempt), Route.get()
    assert (row.version_id, row.claimed_fence) == (new.id, route.fence)
    assert attempt.lane.version_id == new.id


def test_hole_16_one_retry(desk):
    """Kept and no answer, again and again: two copies at most without a person."""
    message = desk.message()
    marks = 0
    for _ in range(4):
        for attempt in desk.claim_all(message):
            marks += desk.mark(attempt)
            desk.record(attempt, Answer.NONE)
        desk.retry()

    assert marks == 2
    assert desk.states(message) == ["uncertain"]
    assert desk.recipients(message)[0].uncertain_count == 2
