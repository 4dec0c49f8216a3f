"""A sender in trouble: mail waits, nothing is counted, and a repair ends the wait."""

from __future__ import annotations

import pytest

from portal.engine.breaker import MAIL_REFUSALS, Breaker
from portal.services import sending
from portal.services.outbox.timing import Timing
from portal.services.overview import Flow, overview
from portal.store.models import SenderSecret, SenderVersion, proxy
from tests.engine.conftest import PATIENT, until


def test_mail_waits_for_its_sender_and_says_why(engine, post, nobody, owner):
    post.through(nobody)
    engine(PATIENT)

    message = post.mail()

    post.until(message, "deferred")
    (recipient,) = post.recipients(message)
    assert recipient.tries == 0
    assert recipient.held_fence is not None
    shown = sending.read(owner, message.public_id)
    assert shown.recipients[0].waits_for_sender
    assert shown.diagnosis["cause"] == "connection_refused"
    found = overview(owner)
    assert found.flow is Flow.HELD
    assert found.trouble.held == 1
    assert found.trouble.title == shown.diagnosis["title"]


def test_while_the_breaker_is_open_nothing_else_is_tried(engine, post, play):
    relay = play("greets_with_554.txt")
    post.through(relay)
    engine(PATIENT)
    first = post.mail()
    post.until(first, "deferred")

    second = post.mail()
    other = post.mail()

    until(lambda: post.make.installation.bell.waiting is False)
    assert post.states(second) == post.states(other) == ["queued"]
    assert relay.connections == 1


@pytest.mark.usefixtures("both_databases")
def test_a_repaired_sender_ends_the_wait_at_once(engine, post, nobody, sink):
    """The pause was an hour; the route has moved since."""
    post.through(nobody)
    engine(PATIENT)
    waiting = post.mail()
    post.until(waiting, "deferred")
    queued = post.mail()

    relay = sink()
    post.through(relay)

    post.until(waiting, "sent")
    post.until(queued, "sent")


def test_a_probe_finds_out_that_the_sender_works_again(engine, post, nobody, sink):
    post.through(nobody)
    engine()
    message = post.mail()
    until(lambda: len(post.attempts(message)) >= 2)

    sink(port=nobody.leave())

    post.until(message, "sent")
    assert post.recipients(message)[0].tries == 0


def test_the_pauses_of_a_breaker_grow_and_one_success_forgets_them():
    breaker = Breaker(Timing(breaker_s=(0, 60, 120)))

    assert breaker.tripped() == 0
    assert breaker.is_half_open
    assert 59 < breaker.tripped() <= 60
    assert breaker.is_open
    assert breaker.tripped() <= 60  # the same trouble, not one more
    breaker.works()
    assert not breaker.is_open
    assert not breaker.is_half_open


def test_refusals_at_mail_in_a_row_open_the_breaker():
    breaker = Breaker(Timing())
    for _ in range(MAIL_REFUSALS - 1):
        breaker.refused_mail()
    breaker.took_mail()
    for _ in range(MAIL_REFUSALS - 1):
        breaker.refused_mail()
    assert not breaker.is_open

    breaker.refused_mail()

    assert breaker.is_open


def test_a_locked_installation_keeps_its_mail(engine, post, sink, installation, owner):
    """The key is another one: no secret opens, nothing is sent, nothing fails."""
    relay = sink(users={"kim": "secret"})
    post.through(relay, auth="password", username="kim")
    version = SenderVersion.get()
    SenderSecret.create(version=version, field="password", sealed=b"sealed elsewhere")
    engine(PATIENT)

    message = post.mail()

    post.until(message, "deferred")
    (recipient,) = post.recipients(message)
    assert (recipient.tries, recipient.internal_errors) == (0, 0)
    assert recipient.held_fence is not None
    shown = sending.read(owner, message.public_id)
    assert "does not open" in shown.diagnosis["meaning"]
    assert relay.mails == []


def test_trouble_of_the_database_is_not_counted_against_a_mail(engine, post, sink):
    post.through(sink())
    message = post.make.message(post.tenant)
    proxy.execute_sql("ALTER TABLE message_content RENAME TO elsewhere")

    engine(PATIENT)

    post.until(message, "deferred")

    (recipient,) = post.recipients(message)
    assert (recipient.tries, recipient.internal_errors) == (0, 0)
    assert post.attempts(message)[0].answer == "not_kept"
