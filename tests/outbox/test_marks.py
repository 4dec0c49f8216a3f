"""Lines 5 and 6: no dot without a mark, and no mark that something forbids."""

from __future__ import annotations

import pytest

from tests.outbox.conftest import DEFERRED, FAILED

pytestmark = pytest.mark.usefixtures("both_databases")


def test_the_mark_covers_the_accepted_recipients(desk):
    message = desk.message("a@example.com", "b@example.com")
    attempt = desk.claim()

    assert desk.mark(attempt)

    row = desk.attempt(attempt)
    assert row.dot_at is not None
    assert row.dot_recipients == [target.id for target in attempt.targets]
    assert row.answer is None
    assert desk.states(message) == ["sending", "sending"]
    assert desk.events(message) == []  # the attempt's row is the record


def test_refusals_are_written_with_the_mark_each_by_its_own_code(desk):
    message = desk.message("a@example.com", "b@example.com", "c@example.com")
    attempt = desk.claim()
    _, second, third = attempt.targets

    assert desk.mark(attempt, refused={second.id: DEFERRED, third.id: FAILED})

    assert desk.states(message) == ["sending", "deferred", "failed"]
    assert desk.attempt(attempt).dot_recipients == [attempt.targets[0].id]
    assert desk.events(message) == ["email.deferred", "email.send_failed"]
    assert desk.recipients(message)[2].reply["code"] == 550
    assert desk.recipients(message)[1].tries == 1


def test_a_moved_route_refuses_the_mark_and_the_mail_is_queued_again(desk):
    """Hole 2, where one transaction writes at a time."""
    message = desk.message()
    attempt = desk.claim()
    desk.move_route()

    assert not desk.mark(attempt)

    (recipient,) = desk.recipients(message)
    assert (recipient.state, recipient.tries) == ("queued", 0)
    assert desk.attempt(attempt).answer == "not_kept"
    assert desk.attempt(attempt).dot_at is None
    assert desk.events(message) == ["email.requeued"]
    assert desk.claim().number == 2


def test_a_refused_mark_keeps_the_refusals_of_rcpt(desk):
    message = desk.message("a@example.com", "b@example.com")
    attempt = desk.claim()
    desk.move_route()

    assert not desk.mark(attempt, refused={attempt.targets[1].id: FAILED})

    assert desk.states(message) == ["queued", "failed"]
    assert sorted(desk.events(message)) == ["email.requeued", "email.send_failed"]


def test_a_cancel_between_claim_and_mark_wins(desk):
    message = desk.message()
    attempt = desk.claim()
    desk.cancel(message)

    assert not desk.mark(attempt)

    assert desk.states(message) == ["cancelled"]
    assert desk.events(message) == ["email.cancelled"]


def test_a_slow_worker_cannot_mark_what_was_queued_again(desk):
    """The token alone is not enough: it is still 1 (hole 1)."""
    message = desk.message()
    slow = desk.claim()
    desk.lease_ends(slow)
    assert desk.recipients(message)[0].token == slow.number

    assert not desk.mark(slow)
    assert desk.states(message) == ["queued"]


def test_a_slow_worker_cannot_mark_beside_a_newer_attempt(desk):
    message = desk.message()
    slow = desk.claim()
    desk.lease_ends(slow)
    quick = desk.claim(owner="worker-2")

    assert not desk.mark(slow)
    assert desk.mark(quick)
    assert desk.states(message) == ["sending"]


def test_an_attempt_is_marked_once(desk):
    desk.message()
    attempt = desk.claim()

    assert desk.mark(attempt)
    assert not desk.mark(attempt)
    assert desk.attempt(attempt).answer is None  # and the first mark stands


def test_nothing_is_marked_for_nobody(desk):
    message = desk.message()
    attempt = desk.claim()

    assert not desk.mark(attempt, accepted=())
    assert desk.states(message) == ["queued"]


def test_an_attempt_that_never_started_is_released_without_a_try(desk):
    message = desk.message()
    attempt = desk.claim()

    assert desk.release(attempt)

    (recipient,) = desk.recipients(message)
    assert (recipient.state, recipient.tries, recipient.token) == ("queued", 0, 1)
    assert desk.events(message) == ["email.requeued"]


def test_a_marked_attempt_is_not_released(desk):
    message = desk.message()
    attempt = desk.claim()
    desk.mark(attempt)

    assert not desk.release(attempt)
    assert desk.states(message) == ["sending"]
