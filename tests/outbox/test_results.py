"""Lines 7 to 12 and 15 to 19: every end of an attempt, in time and late."""

from __future__ import annotations

import pytest

from portal.services.outbox.results import INTERNAL_LIMIT
from portal.services.outbox.states import State
from portal.services.outbox.verdict import Answer, Verdict, Wait
from portal.store.fields import now
from portal.store.models import AuditEvent, Message, Recipient
from tests.outbox.conftest import DEFERRED, FAILED

pytestmark = pytest.mark.usefixtures("both_databases")


@pytest.mark.parametrize(
    ("verdict", "state", "event", "tries"),
    [
        (DEFERRED, "deferred", "email.deferred", 1),
        (FAILED, "failed", "email.send_failed", 0),
        (
            Verdict(to=State.QUEUED, wait=Wait.NOT, counted=False),
            "queued",
            "email.requeued",
            0,
        ),
    ],
)
def test_line_7_before_the_dot_each_goes_where_its_verdict_says(
    desk, verdict, state, event, tries
):
    message = desk.message()
    attempt = desk.claim()

    assert desk.record(attempt, Answer.BEFORE, verdict)

    (recipient,) = desk.recipients(message)
    assert recipient.state == state
    assert recipient.tries == tries + (state == "failed")
    assert desk.attempt(attempt).answer == "not_kept"
    assert desk.events(message) == [event]
    assert desk.state(message) == state


def test_line_7_recipients_of_one_message_part_ways(desk):
    message = desk.message("a@example.com", "b@example.com")
    attempt = desk.claim()
    first, second = attempt.targets

    desk.record(
        attempt, Answer.BEFORE, verdicts={first.id: FAILED, second.id: DEFERRED}
    )

    assert desk.states(message) == ["failed", "deferred"]
    assert desk.state(message) == "deferred"


def test_mail_that_waits_for_its_sender_costs_no_try(desk):
    message = desk.message()
    attempt = desk.claim()
    waits = Verdict(to=State.DEFERRED, wait=Wait.SENDER, counted=False)

    desk.record(attempt, Answer.BEFORE, waits, pause=desk.timing.lease)

    (recipient,) = desk.recipients(message)
    assert (recipient.state, recipient.tries) == ("deferred", 0)
    assert recipient.held_fence == attempt.fence
    assert recipient.next_at > now()


@pytest.mark.parametrize(
    ("line", "answer", "state", "event", "kept"),
    [
        (8, Answer.KEPT, "sent", "email.sent", "kept"),
        (9, Answer.DEFERRED, "deferred", "email.deferred", "not_kept"),
        (10, Answer.REFUSED, "failed", "email.send_failed", "not_kept"),
        (11, Answer.NOT_WRITTEN, "deferred", "email.deferred", "not_kept"),
        (12, Answer.NONE, "uncertain", "email.uncertain", None),
    ],
)
def test_lines_8_to_12_after_the_mark(desk, line, answer, state, event, kept):
    message = desk.message()
    attempt = desk.claim()
    desk.mark(attempt)

    assert desk.record(attempt, answer)

    assert desk.states(message) == [state]
    assert desk.state(message) == state
    assert desk.attempt(attempt).answer == kept
    assert desk.attempt(attempt).ended_at is not None
    assert desk.events(message) == [event]


def test_a_settled_message_says_when(desk):
    message = desk.message()
    attempt = desk.claim()
    desk.mark(attempt)

    desk.record(attempt, Answer.KEPT)

    assert Message.get_by_id(message.id).settled_at is not None
    assert desk.recipients(message)[0].settled_at is not None


def test_a_result_is_written_once(desk):
    """Line 19: its COMMIT was unknown, so it comes again (hole 14)."""
    message = desk.message()
    attempt = desk.claim()
    desk.mark(attempt)

    assert desk.record(attempt, Answer.KEPT)
    assert not desk.record(attempt, Answer.KEPT)
    assert not desk.record(attempt, Answer.REFUSED)

    assert desk.states(message) == ["sent"]
    assert desk.events(message) == ["email.sent"]


def test_nobody_knows_is_written_once(desk):
    message = desk.message()
    attempt = desk.uncertain(message)

    assert not desk.record(attempt, Answer.NONE)
    assert desk.recipients(message)[0].uncertain_count == 1
    assert desk.events(message) == ["email.uncertain"]


def test_one_mail_that_breaks_us_is_failed_after_three_times(desk):
    message = desk.message()
    poison = Verdict(to=State.DEFERRED, internal=True)

    for turn in range(1, INTERNAL_LIMIT + 1):
        desk.due_now(message)
        desk.record(desk.claim(), Answer.BEFORE, poison)
        (recipient,) = desk.recipients(message)
        assert recipient.internal_errors == turn
        assert recipient.state == ("failed" if turn == INTERNAL_LIMIT else "deferred")


def test_line_15_a_late_yes_ends_the_wait(desk):
    message = desk.message()
    slow = desk.claim()
    desk.mark(slow)
    desk.lease_ends(slow)
    assert desk.states(message) == ["uncertain"]

    assert desk.record(slow, Answer.KEPT)

    assert desk.states(message) == ["sent"]
    assert desk.events(message) == ["email.uncertain", "email.sent"]


def test_line_15_a_late_yes_stops_a_newer_attempt_before_its_mark(desk):
    """Its token is the newest and it has no answer: the state alone forbids a copy
    behind `sent` (hole 1)."""
    message = desk.message()
    slow = desk.uncertain_by_lease(message)
    desk.retry()
    newer = desk.claim(owner="worker-2")

    desk.record(slow, Answer.KEPT)

    assert desk.states(message) == ["sent"]
    assert not desk.mark(newer)
    assert desk.states(message) == ["sent"]


def test_line_16_a_late_yes_waits_for_a_newer_mark(desk):
    message = desk.message()
    slow = desk.uncertain_by_lease(message)
    desk.retry()
    newer = desk.claim(owner="worker-2")
    assert desk.mark(newer)

    desk.record(slow, Answer.KEPT)
    assert desk.states(message) == ["sending"]

    desk.record(newer, Answer.REFUSED)
    assert desk.states(message) == ["sent"]  # arrival, rule 1


def test_line_17_a_late_no_gives_the_retry(desk):
    message = desk.message()
    slow = desk.uncertain_by_lease(message)

    desk.record(slow, Answer.DEFERRED)

    assert desk.states(message) == ["deferred"]
    assert desk.events(message)[-1] == "email.deferred"


def test_line_17_a_late_5yz_of_the_last_attempt_fails(desk):
    message = desk.message()
    slow = desk.uncertain_by_lease(message)

    desk.record(slow, Answer.REFUSED)

    assert desk.states(message) == ["failed"]


def test_line_17_at_rest_a_late_no_fails(desk):
    message = desk.message()
    slow = desk.uncertain_by_lease(message)
    Recipient.update(retry_at=None).execute()

    desk.record(slow, Answer.NOT_WRITTEN)

    assert desk.states(message) == ["failed"]


def test_line_17_a_late_no_cancels_what_was_to_be_cancelled(desk):
    message = desk.message()
    slow = desk.uncertain_by_lease(message)
    desk.cancel(message)
    assert desk.states(message) == ["uncertain"]

    desk.record(slow, Answer.DEFERRED)

    assert desk.states(message) == ["cancelled"]


def test_line_17_another_doubt_keeps_it_uncertain(desk):
    message = desk.message()
    first = desk.uncertain_by_lease(message)
    desk.retry()
    second = desk.claim(owner="worker-2")
    desk.mark(second)
    desk.record(second, Answer.NONE)

    desk.record(first, Answer.REFUSED)

    assert desk.states(message) == ["uncertain"]
    assert desk.attempt(first).answer == "not_kept"


def test_line_18_a_late_no_changes_nothing_else(desk):
    message = desk.message()
    slow = desk.uncertain_by_lease(message)
    desk.decide(message, State.SENT)
    events = desk.events(message)

    assert desk.record(slow, Answer.REFUSED)

    assert desk.attempt(slow).answer == "not_kept"
    assert desk.states(message) == ["sent"]
    assert desk.events(message) == events


def test_a_late_result_of_a_recovered_attempt_without_mark_is_nothing(desk):
    message = desk.message()
    slow = desk.claim()
    desk.lease_ends(slow)

    assert not desk.record(slow, Answer.BEFORE, FAILED)
    assert desk.states(message) == ["queued"]


def test_every_event_is_of_the_tenant_and_by_the_engine(desk):
    message = desk.message()
    attempt = desk.claim()
    desk.mark(attempt)
    desk.record(attempt, Answer.KEPT)

    event = AuditEvent.get(AuditEvent.subject_id == message.public_id)
    assert event.tenant_id == desk.tenant.id
    assert event.actor == "engine"
    assert event.detail["recipients"] == ["kim@example.com"]
