"""A sender that fails again and again: the platform stands in, and hands back."""

from __future__ import annotations

import dataclasses
import email

import pytest

from portal.config import DefaultSender
from portal.services import audit, senders
from portal.services.senders.activating import return_now
from portal.services.senders.routing import route_now
from portal.store.models import Message, Recipient, Route, Standing
from tests.engine.conftest import PATIENT, QUICK, until

pytestmark = pytest.mark.usefixtures("both_databases")

SLOW_PROBES = dataclasses.replace(QUICK, breaker_s=(0.05, 0.05, 0.05, 3600))


@pytest.fixture
def platform(sink):
    return sink()


@pytest.fixture
def installation(installation, platform):
    default = DefaultSender(
        host="127.0.0.1",
        port=platform.port,
        security="none",
        username=None,
        password=None,
        from_address="noreply@platform.example",
    )
    settings = dataclasses.replace(installation.settings, default_sender=default)
    return dataclasses.replace(installation, settings=settings)


def events(owner, prefix="sender."):
    return [event.event for event in audit.events(owner, event=prefix).events][::-1]


def test_the_platform_stands_in_and_hands_back(
    engine,
    post,
    nobody,
    sink,
    platform,
    installation,
    owner,
):
    post.through(nobody, fallback_after=3)
    engine(dataclasses.replace(QUICK, breaker_s=(0.05, 0.05, 0.05, 0.3)))

    message = post.mail()

    post.until(message, "sent")
    mails = {mail.recipients: mail.content for mail in platform.mails}
    parsed = email.message_from_bytes(mails["lee@example.com",])
    assert parsed["From"] == "noreply@platform.example"
    assert parsed["Reply-To"] == "Acme <kim@example.org>"
    until(lambda: ("owner@example.org",) in {m.recipients for m in platform.mails})
    route = route_now(installation, owner.here.id)
    assert route.stands_in.failures == 3
    assert route.stands_in.cause == "connection_refused"
    assert events(owner) == ["sender.fell_back"]

    relay = sink(port=nobody.leave())

    until(lambda: "sender.returned" in events(owner))
    until(lambda: relay.mails)
    (told,) = relay.mails
    assert told.recipients == ("owner@example.org",)
    assert "again" in email.message_from_bytes(told.content)["Subject"]
    assert route_now(installation, owner.here.id).stands_in is None
    assert Standing.get(Standing.name.startswith("sender")).failures == 0
    later = post.mail("ann@example.com")
    post.until(later, "sent")
    assert len(relay.mails) == 2


def test_without_the_wish_nothing_stands_in(engine, post, nobody, owner):
    post.through(nobody)
    engine()

    message = post.mail()

    until(lambda: len(post.attempts(message)) >= 4)
    assert events(owner) == []


def test_refusals_at_mail_in_a_row_count_one_by_one(
    engine, post, play, platform, owner
):
    relay = play("says_553_at_mail.txt")
    post.through(relay, fallback_after=2)
    engine(PATIENT)

    first, second = post.mail(), post.mail()
    post.until(first, "failed")
    post.until(second, "failed")
    until(lambda: events(owner) == ["sender.fell_back"])
    third = post.mail()

    post.until(third, "sent")
    assert Route.get(Route.tenant == post.tenant.id).fallback_version_id is not None


def test_a_success_in_between_begins_the_count_again(
    engine,
    post,
    nobody,
    sink,
    owner,
):
    post.through(nobody, fallback_after=50)
    engine()
    message = post.mail()
    until(lambda: len(post.attempts(message)) >= 3)

    sink(port=nobody.leave())

    post.until(message, "sent")
    until(lambda: Standing.get(Standing.name.startswith("sender")).failures == 0)
    assert events(owner) == []


def test_an_alert_is_outside_the_quota_and_comes_once(
    engine,
    post,
    nobody,
    platform,
    owner,
):
    from portal.services import quota

    post.through(nobody, fallback_after=1)
    engine(SLOW_PROBES)

    for number in range(3):
        post.until(post.mail(f"r{number}@example.com"), "sent")

    until(lambda: ("owner@example.org",) in {m.recipients for m in platform.mails})
    assert [m.origin for m in Message.select() if m.origin == "alert"] == ["alert"]
    assert quota.used(owner.here) == 0
    (alert,) = [m for m in platform.mails if m.recipients == ("owner@example.org",)]
    text = email.message_from_bytes(alert.content).get_payload(decode=True).decode()
    assert "failed 1 times in a row" not in text
    assert "What to do:" in text


def test_a_person_ends_the_fallback(engine, post, nobody, sink, owner):
    post.through(nobody, fallback_after=1)
    engine(dataclasses.replace(QUICK, breaker_s=(3600,)))
    post.until(post.mail(), "sent")
    fence = Route.get(Route.tenant == post.tenant.id).fence
    sink(port=nobody.leave())

    left = return_now(owner)

    assert (left.waiting, left.uncertain) == (0, 0)
    route = Route.get(Route.tenant == post.tenant.id)
    assert (route.fence, route.fallback_version_id) == (fence + 1, None)
    assert route.active_version_id is not None
    assert events(owner) == ["sender.fell_back", "sender.returned"]
    assert return_now(owner) is None


def test_disabling_in_fallback_stays_with_the_platform(
    engine,
    post,
    nobody,
    owner,
    installation,
):
    post.through(nobody, fallback_after=1)
    engine(dataclasses.replace(QUICK, breaker_s=(3600,)))
    post.until(post.mail(), "sent")

    senders.disable(owner, patience_s=0)

    assert route_now(installation, owner.here.id).stands_in is None
    assert events(owner, "admin.") == ["admin.integration_email_smtp_disabled"]
    assert Recipient.select().where(Recipient.state == "failed").count() == 0
