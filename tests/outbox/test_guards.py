"""Guards of single lines that no other test meets alone."""

from __future__ import annotations

from functools import partial

import pytest

from portal.services import quota
from portal.services.outbox import schedule
from portal.services.outbox.states import State
from portal.services.outbox.verdict import Answer, Verdict, Wait
from portal.store.models import Attempt, Recipient

pytestmark = pytest.mark.usefixtures("both_databases")

AT_ONCE = Verdict(to=State.QUEUED, wait=Wait.NOT, counted=False)


def test_line_4_another_attempt_has_the_recipient(desk):
    """The token says whose it is: a lost attempt renews nothing of its follower's."""
    desk.message()
    slow = desk.claim()
    desk.lease_ends(slow)
    newer = desk.claim(owner="worker-2")
    # As if the recovery of the slow one had not been written.
    Attempt.update(answer=None, ended_at=None).where(
        Attempt.id == slow.attempt_id
    ).execute()

    assert desk.heartbeat(slow, newer) == {newer.attempt_id}


@pytest.mark.parametrize("answer", [Answer.BEFORE, Answer.NONE])
def test_lines_7_and_12_only_of_what_the_attempt_still_holds(desk, answer):
    """A slow worker comes to its end while another one sends."""
    message = desk.message()
    slow = desk.claim()
    if answer is Answer.NONE:
        desk.mark(slow)
    desk.lease_ends(slow)
    desk.retry()
    desk.claim(owner="worker-2")
    before = desk.recipients(message)[0]
    events = desk.events(message)

    assert not desk.record(slow, answer)

    assert desk.states(message) == ["sending"]
    assert desk.recipients(message)[0].uncertain_count == before.uncertain_count
    assert desk.events(message) == events


def test_line_13_a_recovery_leaves_what_a_newer_attempt_holds(desk):
    message = desk.message()
    slow = desk.claim()
    desk.lease_ends(slow)
    newer = desk.claim(owner="worker-2")
    Attempt.update(answer=None, ended_at=None, lease_until=1).where(
        Attempt.id == slow.attempt_id
    ).execute()

    assert desk.recover(by_lease=True) == 1

    assert desk.states(message) == ["sending"]
    assert desk.mark(newer)


@pytest.mark.parametrize("state", ["queued", "deferred", "uncertain", "sending"])
def test_line_15_a_late_yes_from_each_state(desk, state):
    message = desk.message()
    slow = desk.uncertain_by_lease(message)
    if state != "uncertain":
        desk.retry()
    if state == "queued":
        desk.record(desk.claim(owner="worker-2"), Answer.BEFORE, AT_ONCE)
    elif state == "sending":
        desk.claim(owner="worker-2")
    assert desk.states(message) == [state]

    assert desk.record(slow, Answer.KEPT)

    assert desk.states(message) == ["sent"]
    assert desk.events(message)[-1] == "email.sent"


def test_line_20_what_is_to_be_cancelled_is_not_retried(desk):
    message = desk.message()
    desk.uncertain(message)
    Recipient.update(cancel_asked=True, retry_at=1).execute()

    assert desk.run(partial(schedule.retry_uncertain, desk.engine)) == 0
    assert desk.states(message) == ["uncertain"]


def test_line_21_what_was_claimed_once_is_not_given_back(desk):
    """Nor what a person cancels then: the relay may have seen it."""
    expired, cancelled = desk.message(), desk.message()
    desk.run(lambda: quota.reserve(desk.tenant, 2))
    for message in (expired, cancelled):
        desk.release(desk.claim(message))

    desk.cancel(cancelled)
    desk.expire()

    assert desk.states(expired) + desk.states(cancelled) == ["expired", "cancelled"]
    assert quota.used(desk.tenant) == 2
