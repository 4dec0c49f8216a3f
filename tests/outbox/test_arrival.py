"""The four rules of arrival, each where it alone decides."""

from __future__ import annotations

import pytest

from portal.services.outbox.states import State
from portal.services.outbox.verdict import Answer
from portal.store.fields import now
from portal.store.models import Recipient
from tests.outbox.conftest import FAILED

pytestmark = pytest.mark.usefixtures("both_databases")


def test_rule_1_a_kept_copy_means_sent_whatever_comes_after(desk):
    message = desk.message()
    first = desk.uncertain_by_lease(message)
    desk.retry()
    second = desk.claim(owner="worker-2")
    desk.mark(second)
    desk.record(first, Answer.KEPT)

    desk.record(second, Answer.DEFERRED)

    assert desk.states(message) == ["sent"]


def test_rule_2_the_first_uncertain_gets_one_retry(desk):
    message = desk.message(kind="otp")
    desk.uncertain(message)

    (recipient,) = desk.recipients(message)
    assert recipient.uncertain_count == 1
    assert recipient.retry_at > now()


def test_rule_2_the_second_uncertain_rests(desk):
    """Otherwise three lost answers make three copies (hole 16)."""
    message = desk.message()
    desk.uncertain(message)
    desk.retry()
    again = desk.claim()
    desk.mark(again)
    desk.record(again, Answer.NONE)

    (recipient,) = desk.recipients(message)
    assert (recipient.state, recipient.uncertain_count) == ("uncertain", 2)
    assert recipient.retry_at is None


def test_rule_2_a_sender_that_holds_gets_no_retry(desk, make):
    make.sender(desk.tenant, on_lost_reply="hold")
    message = desk.message()
    desk.uncertain(message)

    assert desk.recipients(message)[0].retry_at is None


def test_rule_2_an_expired_mail_gets_no_retry(desk):
    message = desk.message()
    attempt = desk.claim()
    desk.mark(attempt)
    Recipient.update(expires_at=1).execute()

    desk.record(attempt, Answer.NONE)

    assert desk.recipients(message)[0].retry_at is None


def test_rule_3_what_should_wait_but_was_cancelled_is_cancelled(desk):
    """Otherwise a DELETE is forgotten, and the mail goes out days later (hole 13)."""
    message = desk.message()
    attempt = desk.claim()
    desk.cancel(message)
    assert desk.states(message) == ["sending"]

    desk.record(attempt, Answer.BEFORE)

    assert desk.states(message) == ["cancelled"]


def test_rule_3_holds_after_a_crash_too(desk):
    message = desk.message()
    attempt = desk.claim()
    desk.cancel(message)

    desk.lease_ends(attempt)

    assert desk.states(message) == ["cancelled"]


@pytest.mark.parametrize("end", ["fails", "expires", "is cancelled"])
def test_rule_4_with_a_doubt_nothing_ends_as_not_sent(desk, end):
    """The first copy may have arrived: "failed" would be a lie (hole 5)."""
    message = desk.message()
    desk.uncertain(message)
    desk.retry()
    assert desk.states(message) == ["deferred"]

    if end == "fails":
        desk.record(desk.claim(), Answer.BEFORE, FAILED)
    elif end == "expires":
        desk.expire()
    else:
        desk.cancel(message)

    (recipient,) = desk.recipients(message)
    assert recipient.state == "uncertain"
    assert recipient.retry_at is None
    assert recipient.uncertain_count == 1


def test_a_person_may_end_a_doubt(desk):
    message = desk.message()
    desk.uncertain(message)

    assert desk.decide(message, State.FAILED) == 1
    assert desk.states(message) == ["failed"]
