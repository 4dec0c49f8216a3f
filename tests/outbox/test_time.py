"""Lines 20 to 22, and the other things that only time brings about."""

from __future__ import annotations

from datetime import timedelta

import pytest

from portal.services import quota
from portal.services.outbox import schedule
from portal.services.outbox.states import State
from portal.services.outbox.verdict import Answer, Verdict, Wait
from portal.store.fields import now
from portal.store.models import IdempotencyKey, Recipient

pytestmark = pytest.mark.usefixtures("both_databases")


def test_line_20_the_retry_of_an_uncertain_mail(desk):
    message = desk.message()
    desk.uncertain(message)

    assert desk.retry() == 1

    (recipient,) = desk.recipients(message)
    assert recipient.state == "deferred"
    assert recipient.next_at <= now()
    assert desk.events(message) == ["email.uncertain", "email.deferred"]


def test_line_20_not_before_its_time(desk):
    message = desk.message()
    desk.uncertain(message)

    assert desk.run(lambda: schedule.retry_uncertain(desk.engine)) == 0
    assert desk.states(message) == ["uncertain"]


def test_line_21_expiry_is_a_recorded_end(desk):
    message = desk.message()

    assert desk.expire() == 1

    assert desk.states(message) == ["expired"]
    assert desk.state(message) == "expired"
    assert desk.events(message) == ["email.send_failed"]


def test_line_21_leaves_what_is_being_sent(desk):
    message = desk.message()
    desk.claim()

    assert desk.expire() == 0
    assert desk.states(message) == ["sending"]


def test_line_21_gives_back_the_quota_of_what_was_never_claimed(desk):
    never, once = desk.message(), desk.message()
    desk.run(lambda: quota.reserve(desk.tenant, 2))
    desk.release(desk.claim(once))

    desk.expire()

    assert desk.states(never) == desk.states(once) == ["expired"]
    assert quota.used(desk.tenant) == 1


def test_line_22_an_expired_uncertain_mail_rests(desk):
    message = desk.message()
    desk.uncertain(message)

    desk.expire()

    (recipient,) = desk.recipients(message)
    assert (recipient.state, recipient.retry_at) == ("uncertain", None)
    assert desk.retry() == 0
    assert desk.events(message) == ["email.uncertain"]


def test_what_waits_for_a_sender_is_due_when_the_route_moves(desk):
    message = desk.message()
    waits = Verdict(to=State.DEFERRED, wait=Wait.SENDER, counted=False)
    desk.record(desk.claim(), Answer.BEFORE, waits, pause=timedelta(hours=1))
    assert desk.run(schedule.release_moved) == 0

    desk.move_route()

    assert schedule.pending().moved
    assert desk.run(schedule.release_moved) == 1
    assert desk.claim().message_id == message.id


def test_what_was_greylisted_keeps_its_pause_when_the_route_moves(desk):
    desk.message()
    desk.record(desk.claim(), Answer.BEFORE)

    desk.move_route()

    assert desk.run(schedule.release_moved) == 0
    assert desk.claim_all() == []


def test_an_idle_outbox_has_nothing_pending(desk):
    assert not schedule.pending().anything


def test_pending_names_what_there_is_to_do(desk):
    desk.message()
    assert schedule.pending().due
    desk.uncertain(desk.message())
    Recipient.update(retry_at=1).where(Recipient.state == "uncertain").execute()
    assert schedule.pending().retries
    Recipient.update(expires_at=1).execute()
    assert schedule.pending().expired


def test_keys_whose_time_is_over_are_forgotten(desk):
    for key, ends_at in (("old", now() - timedelta(1)), ("new", now() + timedelta(1))):
        IdempotencyKey.create(
            tenant=desk.tenant.id,
            key=key,
            fingerprint="f",
            status=202,
            body="{}",
            expires_at=ends_at,
        )

    assert desk.run(schedule.purge_keys) == 1
    assert [row.key for row in IdempotencyKey.select()] == ["new"]
