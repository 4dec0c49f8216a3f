"""Mail through the engine to a real relay: every answer, and what becomes of it."""

from __future__ import annotations

import asyncio
import dataclasses
import email

import pytest

from portal.config import DefaultSender
from portal.engine.engine import Engine
from portal.services import sending
from portal.store.database import connection
from portal.store.models import MessageContent, Recipient
from tests.engine.conftest import PATIENT, until


@pytest.mark.usefixtures("both_databases")
def test_a_mail_is_accepted_by_its_relay(engine, post, sink):
    relay = sink()
    post.through(relay, from_name="Acme")
    engine()

    message = post.mail("lee@example.com", "ann@example.com")

    post.until(message, "sent", "sent")
    (mail,) = relay.mails
    assert mail.mail_from == "kim@example.org"
    assert mail.recipients == ("lee@example.com", "ann@example.com")
    assert email.message_from_bytes(mail.content)["From"] == "Acme <kim@example.org>"
    (attempt,) = post.attempts(message)
    assert (attempt.outcome, attempt.answer, attempt.stage) == ("sent", "kept", None)
    assert attempt.relay == f"127.0.0.1:{relay.port}"
    assert attempt.reply["code"] == 250
    assert ["S", "250 2.1.5 OK", False] in attempt.transcript
    assert [event.event for event in post.events(message)] == ["email.sent"]


def test_mail_that_waited_for_an_engine_is_found(engine, post, sink):
    relay = sink()
    post.through(relay)
    message = post.make.message(post.tenant)

    engine()

    post.until(message, "sent")


def test_one_refused_recipient_does_not_hold_back_the_others(engine, post, play):
    relay = play("refuses_one_of_three.txt")
    post.through(relay)
    engine()

    message = post.mail("a@example.com", "b@example.com", "c@example.com")

    post.until(message, "sent", "failed", "sent")
    assert post.attempts(message)[0].outcome == "partial"
    events = {event.event: event.detail for event in post.events(message)}
    assert events["email.sent"]["recipients"] == ["a@example.com", "c@example.com"]
    assert "diagnosis" not in events["email.sent"]
    assert events["email.sent"]["reply"]["code"] == 250
    failed = events["email.send_failed"]
    assert failed["recipients"] == ["b@example.com"]
    assert failed["reply"]["code"] == 550
    assert failed["diagnosis"]["evidence"]["code"] == 550
    assert len(relay.contents) == 1


@pytest.mark.usefixtures("both_databases")
def test_a_deferred_recipient_is_sent_later_and_alone(engine, post, sink):
    relay = sink(defer=frozenset({"lee@example.com"}))
    post.through(relay)
    engine(PATIENT)
    message = post.mail("ann@example.com", "lee@example.com")
    post.until(message, "sent", "deferred")
    assert post.recipients(message)[1].tries == 1

    relay.defer = frozenset()
    Recipient.update(next_at=1).where(Recipient.state == "deferred").execute()

    post.until(message, "sent", "sent")
    assert [mail.recipients for mail in relay.mails] == [
        ("ann@example.com",),
        ("lee@example.com",),
    ]


@pytest.mark.parametrize(
    "dialog", ["says_554_after_the_dot.txt", "says_554_to_data.txt"]
)
def test_a_refused_mail_fails_with_its_diagnosis(engine, post, play, owner, dialog):
    post.through(play(dialog))
    engine()

    message = post.mail()

    post.until(message, "failed")
    (event,) = post.events(message)
    assert event.event == "email.send_failed"
    assert event.detail["diagnosis"]["evidence"]["code"] == 554
    shown = sending.read(owner, message.public_id)
    assert shown.status == "failed"
    assert shown.diagnosis["title"]


@pytest.mark.parametrize(
    "dialog",
    ["says_451_after_the_dot.txt", "says_451_to_data.txt", "says_451_at_mail.txt"],
)
def test_a_deferred_mail_waits(engine, post, play, dialog):
    post.through(play(dialog))
    engine(PATIENT)

    message = post.mail()

    post.until(message, "deferred")
    assert post.recipients(message)[0].tries == 1
    assert not post.recipients(message)[0].held_fence
    assert [event.event for event in post.events(message)] == ["email.deferred"]


@pytest.mark.parametrize("dialog", ["closes_after_354.txt", "closes_at_mail.txt"])
def test_a_connection_lost_before_the_dot_is_tried_again(engine, post, play, dialog):
    post.through(play(dialog))
    engine(PATIENT)

    message = post.mail()

    post.until(message, "deferred")
    (attempt,) = post.attempts(message)
    assert attempt.answer == "not_kept"


def test_a_connection_lost_behind_the_dot_leaves_nobody_knowing(engine, post, play):
    relay = play("closes_after_the_dot.txt")
    post.through(relay)
    engine(PATIENT)

    message = post.mail()

    post.until(message, "uncertain")
    (attempt,) = post.attempts(message)
    assert (attempt.outcome, attempt.answer) == ("uncertain", None)
    assert attempt.dot_at is not None
    assert post.recipients(message)[0].retry_at is not None
    assert [event.event for event in post.events(message)] == ["email.uncertain"]


def test_the_one_retry_has_the_same_message_id(engine, post, play):
    relay = play("closes_after_the_dot.txt")
    post.through(relay)
    engine()

    message = post.mail()

    until(lambda: post.recipients(message)[0].uncertain_count == 2)
    post.until(message, "uncertain")
    assert post.recipients(message)[0].retry_at is None
    ids = {email.message_from_bytes(raw)["Message-ID"] for raw in relay.contents}
    assert len(relay.contents) == 2
    assert ids == {message.message_id}


def test_any_2yz_behind_the_dot_is_sent(engine, post, play):
    post.through(play("says_252_after_the_dot.txt"))
    engine()

    message = post.mail()

    post.until(message, "sent")


def test_several_mails_ride_on_one_connection(engine, post, play):
    relay = play("accepts_two_mails.txt")
    post.through(relay)
    engine()

    first = post.mail()
    post.until(first, "sent")
    second = post.mail()
    post.until(second, "sent")

    assert relay.connections == 1


def test_a_connection_closed_while_it_rested_costs_no_attempt(engine, post, play):
    relay = play("speaks_when_idle.txt")
    post.through(relay)
    engine()

    first = post.mail()
    post.until(first, "sent")
    second = post.mail()
    post.until(second, "sent")

    assert relay.connections == 2
    assert len(post.attempts(second)) == 1


def test_a_route_that_moves_under_way_withdraws_the_mail(engine, post, sink):
    """Not one line of it at the old sink, and no try counted."""
    old, new = sink(), sink()
    post.through(old)

    async def move(server, session, envelope, address, options):
        envelope.rcpt_tos.append(address)
        await asyncio.to_thread(_in_connection, lambda: post.through(new))
        return "250 OK"

    old.handle_RCPT = move
    engine()

    message = post.mail()

    post.until(message, "sent")
    assert old.mails == []
    assert len(new.mails) == 1
    assert [row.outcome for row in post.attempts(message)] == ["released", "sent"]
    assert post.recipients(message)[0].tries == 0


def test_a_mail_that_breaks_us_ends_after_three_times_and_stops_nothing(
    engine, post, sink
):
    """Its stored header holds a From, which we never write: rendering refuses."""
    relay = sink()
    post.through(relay)
    poison = post.make.message(post.tenant)
    MessageContent.delete().where(MessageContent.message == poison.id).execute()
    MessageContent.create(
        message=poison,
        date=poison.accepted_at,
        headers=b"From: x@example.org\r\n",
        body=b"",
        sha256="",
    )
    engine()

    good = post.mail()

    post.until(good, "sent")
    post.until(poison, "failed")
    assert post.recipients(poison)[0].internal_errors == 3
    assert len(relay.mails) == 1


def test_without_a_sender_the_platform_default_sends(engine, post, sink):
    relay = sink()
    installation = dataclasses.replace(
        post.make.installation,
        settings=dataclasses.replace(
            post.make.installation.settings,
            default_sender=DefaultSender(
                host=relay.host,
                port=relay.port,
                security="none",
                username=None,
                password=None,
                from_address="noreply@portal.example",
                from_name="Portal",
            ),
        ),
    )
    running = Engine(installation, "platform", timing=PATIENT)
    running.start()

    message = post.mail()

    try:
        post.until(message, "sent")
    finally:
        running.stop(grace_s=1)
    assert relay.mails[0].mail_from == "noreply@portal.example"
    assert post.attempts(message)[0].route == "platform"


def test_the_sandbox_captures_what_has_no_other_way(engine, post, sink):
    box = sink()
    installation = dataclasses.replace(
        post.make.installation, sandbox_port=lambda: box.port
    )
    running = Engine(installation, "sandboxed", timing=PATIENT)
    running.start()

    message = post.mail()

    try:
        post.until(message, "sent")
    finally:
        running.stop(grace_s=1)
    assert len(box.mails) == 1
    assert type(message).get_by_id(message.id).captured


def _in_connection(work) -> None:
    with connection():
        work()
