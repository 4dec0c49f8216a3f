"""The watch: who is looked at and when, what turns, and whom it tells."""

from __future__ import annotations

import quopri
from datetime import timedelta

from portal.deliverability.types import Status
from portal.services import audit, domains, senders
from portal.store.fields import now
from portal.store.models import (
    DomainCheck,
    DomainWatch,
    Message,
    MessageContent,
    Sender,
)
from tests.domains.conftest import GREEN, MAIL, NO_POLICY, PATH, POLICY, SIGNATURE, zone


def told():
    rows = MessageContent.select(MessageContent, Message).join(Message)
    return [
        (row.message.subject, quopri.decodestring(bytes(row.body)).decode())
        for row in rows
    ]


def whys():
    return [row.why for row in DomainCheck.select().order_by(DomainCheck.id)]


def overdue():
    DomainWatch.update(due_at=now() - timedelta(seconds=1)).execute()


def test_a_green_check_that_turns_is_told_once_and_again_when_green(
    both_databases, shop, checked, dns, owner
):
    """By mail, in the overview, and in what changed."""
    sender = shop()
    checked(sender)
    assert domains.attention(owner) == ()

    dns.publish(NO_POLICY)
    checked(sender)
    view = checked(sender)

    ((subject, body),) = told()
    assert subject == "The DNS of shop.example got worse: DMARC"
    assert "DMARC: there is no policy." in body
    assert "_dmarc.shop.example TXT v=DMARC1" in body
    (banner,) = domains.attention(owner)
    assert banner.turned == ("DMARC: there is no policy; was in order",)
    assert (banner.sender_id, banner.status) == (sender, Status.FAIL)
    (day,) = view.history
    assert day.status is Status.FAIL
    assert [each.after for each in day.changes] == [Status.FAIL]

    dns.publish(GREEN)
    checked(sender)
    checked(sender)

    assert [subject for subject, _ in told()][1:] == [
        "The DNS of shop.example is in order again: DMARC"
    ]
    assert domains.attention(owner) == ()
    events = audit.events(owner, event="domain.checked").events
    assert [each.detail["changed"] for each in events][::-1] == [
        {},
        {"dmarc": "fail"},
        {},
        {"dmarc": "pass"},
        {},
    ]


def test_what_could_not_be_asked_turns_nothing(shop, checked, dns, owner):
    """Neither an alert nor a note, and the day is as good as it was."""
    sender = shop()
    checked(sender)

    dns.publish(zone(MAIL, PATH, SIGNATURE, "_dmarc ! SERVFAIL"))
    view = checked(sender)

    assert view.verdict.status is Status.WARN
    assert [day.status for day in view.history] == [Status.PASS]
    assert told() == []
    dns.publish(NO_POLICY)
    checked(sender)
    assert len(told()) == 1


def test_amber_that_turns_red_is_told_too(shop, checked, dns):
    """p=none is enough for most; losing it is not."""
    sender = shop()
    dns.publish(zone(MAIL, PATH, SIGNATURE, POLICY.replace("reject", "none")))
    assert checked(sender).verdict.sentence.endswith("; one thing to improve.")

    dns.publish(NO_POLICY)
    checked(sender)
    dns.publish(zone(MAIL, PATH, SIGNATURE, POLICY.replace("reject", "none")))
    checked(sender)

    assert ["again" in subject for subject, _ in told()] == [False, True]


def test_a_banner_says_how_bad_it_is_now(shop, checked, dns, owner):
    """Half mended is not as it was, nor as bad as it got."""
    sender = shop()
    checked(sender)
    dns.publish(NO_POLICY)
    checked(sender)
    (worst,) = domains.attention(owner)

    dns.publish(zone(MAIL, PATH, SIGNATURE, POLICY.replace("reject", "none")))
    checked(sender)

    (banner,) = domains.attention(owner)
    assert (worst.status, banner.status) == (Status.FAIL, Status.WARN)
    assert "; was failing" in banner.turned[0]
    assert banner.since == worst.since
    assert len(told()) == 1


def test_a_sender_that_carries_no_mail_alarms_nobody(shop, checked, dns, owner):
    sender = shop(active=False)
    checked(sender)
    dns.publish(NO_POLICY)

    view = checked(sender)

    assert view.history[0].changes != ()
    assert told() == []
    assert domains.attention(owner) == ()


def test_each_sender_is_looked_at_daily(
    both_databases, shop, owner, installation, run_checks
):
    """At first, and when its day is over; nobody asked, so nothing is audited."""
    sender = shop()

    assert domains.look(installation) == 1
    assert domains.look(installation) == 0
    run_checks()
    assert domains.look(installation) == 0
    overdue()
    assert domains.look(installation) == 1
    run_checks()

    assert whys() == ["changed", "daily"]
    view = domains.view(owner, sender)
    assert view.verdict.status is Status.PASS
    assert now() < view.next_at < now() + timedelta(days=1)
    assert audit.events(owner, event="domain.checked").events == ()


def test_a_sender_is_looked_at_when_it_is_changed_or_put_to_use(
    shop, installation, run_checks, make, owner
):
    """A draft beside the version in use is nothing to the watch."""
    shop()
    domains.look(installation)
    other = make.sender(owner.here, active=False, from_address="kim@shop.example")
    domains.look(installation)
    run_checks()
    assert domains.look(installation) == 0

    senders.activate(owner, other.sender.public_id, 1, patience_s=0)
    assert domains.look(installation) == 0  # of the same version as before
    other.number, other.id = 2, None
    other.save(force_insert=True)
    Sender.update(latest=2).where(Sender.id == other.sender_id).execute()
    assert domains.look(installation) == 0

    senders.activate(owner, other.sender.public_id, 2, patience_s=0)

    assert domains.look(installation) == 1


def test_the_watch_can_be_switched_off(shop, owner, installation):
    sender = shop()
    assert domains.view(owner, sender).watch

    domains.set_watch(owner, sender, on=False)

    assert domains.look(installation) == 0
    assert not domains.view(owner, sender).watch
    domains.set_watch(owner, sender, on=True)
    assert domains.look(installation) == 1


def test_the_sandbox_and_what_is_deleted_is_not_watched(shop, installation, owner):
    shop(provider="sandbox")
    gone = shop(active=False)
    senders.delete(owner, gone)

    assert domains.look(installation) == 0


def test_few_checks_of_the_watch_wait_at_a_time(shop, installation):
    """A thousand senders are no thousand checks in one minute."""
    for _ in range(6):
        shop(active=False)

    assert domains.look(installation) == 4
    assert domains.look(installation) == 0


def test_whoever_asks_comes_before_the_watch(shop, installation, owner):
    first, asked = shop(active=False), shop()
    domains.look(installation)
    DomainCheck.delete().where(
        DomainCheck.sender == Sender.get(public_id=asked)
    ).execute()
    domains.start(owner, asked)

    domains.claim(installation, "test")

    running = DomainCheck.get(DomainCheck.state == "running")
    assert running.sender.public_id == asked
    assert DomainCheck.get(DomainCheck.state == "waiting").sender.public_id == first


def test_what_was_never_in_order_is_failing_and_alarms_nobody(
    shop, checked, dns, owner, stranger
):
    """The overview may say it; no mail does."""
    dns.publish(NO_POLICY)
    sender = shop()

    checked(sender)

    (found,) = domains.failing(owner)
    assert (found.sender_id, found.domain) == (sender, "shop.example")
    assert found.checks == ("DMARC",)
    assert domains.badges(owner)[sender].word == "DNS failing"
    assert domains.attention(owner) == ()
    assert domains.failing(stranger) == ()
    dns.publish(GREEN)
    checked(sender)
    assert domains.failing(owner) == ()
    assert told() == []


def test_another_domain_begins_anew(shop, checked, dns, owner):
    """What was known of the old one says nothing about the new one."""
    sender = shop()
    checked(sender)
    row = Sender.get(Sender.public_id == sender).versions.get()
    row.settings = {**row.settings, "from_address": "kim@other.example"}
    row.save()
    dns.publish(GREEN | {"other.example": "@ MX 10 mx.shop.example."})

    view = checked(sender)

    assert view.domain == "other.example"
    assert view.verdict.status is Status.FAIL
    assert told() == []


def test_old_checks_are_forgotten_but_the_last(shop, checked, owner):
    """Whoever died with a check under way leaves no page that waits."""
    sender = shop()
    checked(sender)
    checked(sender)
    DomainCheck.update(created_at=now() - timedelta(days=30)).execute()
    domains.start(owner, shop(active=False))
    lost = now() - timedelta(minutes=5)
    DomainCheck.update(state="running", started_at=lost).where(
        DomainCheck.state == "waiting"
    ).execute()

    domains.tidy()

    assert DomainCheck.select().where(DomainCheck.state != "done").count() == 0
    assert DomainCheck.select().count() == 2
    assert domains.view(owner, sender).verdict.status is Status.PASS
