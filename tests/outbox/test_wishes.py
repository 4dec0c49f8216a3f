"""Lines 23 to 25: cancel what waits, keep the wish for the rest, decide a doubt."""

from __future__ import annotations

import peewee
import pytest

from portal.errors import Invalid
from portal.services import quota
from portal.services.outbox.states import State
from portal.services.outbox.verdict import Answer
from portal.store.models import Message, Recipient

pytestmark = pytest.mark.usefixtures("both_databases")


def test_line_23_what_waits_is_cancelled_and_its_quota_given_back(desk):
    message = desk.message("a@example.com", "b@example.com")
    desk.run(lambda: quota.reserve(desk.tenant, 2))

    desk.cancel(message)

    assert desk.states(message) == ["cancelled", "cancelled"]
    assert desk.events(message) == ["email.cancelled"]
    assert quota.used(desk.tenant) == 0
    assert desk.claim_all(message) == []


def test_line_23_twice_is_once(desk):
    message = desk.message()
    desk.cancel(message)
    desk.cancel(message)

    assert desk.events(message) == ["email.cancelled"]


def test_line_24_what_is_being_sent_keeps_the_wish(desk):
    message = desk.message()
    attempt = desk.claim()

    desk.cancel(message)

    assert desk.states(message) == ["sending"]
    assert desk.recipients(message)[0].cancel_asked
    assert Message.get_by_id(message.id).cancel_asked
    assert desk.events(message) == []
    assert desk.claim_all(message) == []
    assert not desk.mark(attempt)


def test_line_24_an_uncertain_mail_loses_its_retry(desk):
    message = desk.message()
    desk.uncertain(message)

    desk.cancel(message)

    (recipient,) = desk.recipients(message)
    assert (recipient.state, recipient.retry_at) == ("uncertain", None)
    assert desk.retry() == 0


def test_a_dot_before_the_cancel_may_still_become_sent(desk):
    message = desk.message()
    attempt = desk.claim()
    desk.mark(attempt)
    desk.cancel(message)

    desk.record(attempt, Answer.KEPT)

    assert desk.states(message) == ["sent"]


@pytest.mark.parametrize("to", [State.SENT, State.FAILED])
def test_line_25_a_person_decides_for_good(desk, to):
    message = desk.message()
    attempt = desk.uncertain(message)

    assert desk.decide(message, to) == 1

    (recipient,) = desk.recipients(message)
    assert (recipient.state, recipient.decided_by) == (to, "engine")
    assert desk.events(message) == ["email.uncertain", "email.decided"]
    desk.record(attempt, Answer.KEPT if to is State.FAILED else Answer.REFUSED)
    assert desk.states(message) == [to]


def test_line_25_only_of_what_nobody_knows(desk):
    message = desk.message()

    assert desk.decide(message, State.SENT) == 0
    assert desk.states(message) == ["queued"]
    assert desk.events(message) == []


def test_a_decision_is_sent_or_failed(desk):
    with pytest.raises(Invalid):
        desk.decide(desk.message(), State.CANCELLED)


@pytest.mark.parametrize("final", ["sent", "failed", "expired", "cancelled"])
def test_a_final_state_never_changes(desk, final):
    """Whoever tries: the database refuses it."""
    desk.message(state=final)

    with pytest.raises(peewee.IntegrityError):
        desk.run(lambda: Recipient.update(state="queued").execute())
