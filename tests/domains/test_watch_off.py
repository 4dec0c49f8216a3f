"""Whom nobody is warned of: a watch that is off, a sender with nothing to check."""

from __future__ import annotations

from portal.deliverability.types import Status
from portal.services import domains, senders
from tests.domains.conftest import GREEN, MAIL, NO_POLICY, PATH, POLICY, SIGNATURE, zone
from tests.domains.test_watching import told


def test_switched_off_nobody_is_told_though_somebody_looks(shop, checked, dns, owner):
    sender = shop()
    checked(sender)
    domains.set_watch(owner, sender, on=False)

    dns.publish(NO_POLICY)
    checked(sender)
    dns.publish(GREEN)
    checked(sender)

    assert told() == []
    assert domains.attention(owner) == ()


def test_what_was_told_is_quiet_while_the_watch_is_off(shop, checked, dns, owner):
    sender = shop()
    checked(sender)
    dns.publish(NO_POLICY)
    checked(sender)

    domains.set_watch(owner, sender, on=False)
    assert domains.attention(owner) == ()
    domains.set_watch(owner, sender, on=True)

    assert len(domains.attention(owner)) == 1


def test_what_gets_worse_still_is_quiet_while_the_watch_is_off(
    shop, checked, dns, owner
):
    sender = shop()
    checked(sender)
    dns.publish(zone(MAIL, PATH, SIGNATURE, POLICY.replace("reject", "none")))
    checked(sender)
    assert len(told()) == 1

    domains.set_watch(owner, sender, on=False)
    dns.publish(NO_POLICY)
    checked(sender)
    assert len(told()) == 1
    domains.set_watch(owner, sender, on=True)

    (banner,) = domains.attention(owner)
    assert banner.status is Status.FAIL


def test_a_sender_with_nothing_to_check_any_more_is_not_warned_of(
    shop, checked, dns, owner, installation
):
    sender = shop()
    checked(sender)
    dns.publish(NO_POLICY)
    checked(sender)
    fields = senders.sender(owner, sender).fields.settings()

    inner = fields | {"from_address": "kim@shop.internal"}
    senders.save(owner, sender_id=sender, values=inner, activate=True)
    domains.look(installation)

    assert domains.attention(owner) == ()
