"""What a received mail gives the sender: its keys, its envelope."""

from __future__ import annotations

from dataclasses import replace

import pytest

from portal.deliverability.types import Status
from portal.services import audit, domains, senders
from portal.services.domains import proof
from tests.domains.conftest import MAIL, zone
from tests.domains.mails import BORDER, OTHER, OWN, SHOP, mail


@pytest.fixture(autouse=True)
def published(dns):
    dns.publish(SHOP)


def test_what_is_found_becomes_the_senders(shop, owner, checked):
    """The checks looked for a selector that nobody uses; then for the real one."""
    sender_id = shop()
    assert domains_dkim(checked(sender_id)) is Status.FAIL
    found = proof.prove(owner, sender_id, mail()).adoptable
    assert (found.selectors, found.signing_domain) == (("tx7",), "shop.example")

    saved = proof.adopt(owner, sender_id, found)

    assert saved.active and saved.version == 2
    dkim = senders.sender(owner, sender_id).fields.dkim
    assert (dkim.selectors, dkim.return_path) == (("tx7",), None)
    assert domains_dkim(checked(sender_id)) is Status.PASS
    assert proof.prove(owner, sender_id, mail()).adoptable is None
    (event,) = audit.events(owner, event="sender.updated").events
    assert event.detail["changed"] == ["dkim"]


def test_another_envelope_is_taken_over_and_the_keys_stay(dns, shop, owner):
    dns.publish(zone(MAIL, OTHER))
    sender_id = shop(dkim={"selectors": ["tx7", "next"]})
    elsewhere = BORDER.replace("pm-bounces.shop", "rp.shop")

    found = proof.prove(owner, sender_id, mail(border=elsewhere)).adoptable
    assert (found.selectors, found.return_path) == ((), "rp.shop.example")
    proof.adopt(owner, sender_id, found)

    dkim = senders.sender(owner, sender_id).fields.dkim
    assert dkim.selectors == ("tx7", "next")
    assert (dkim.signing_domain, dkim.return_path) == (None, "rp.shop.example")


TOKENS = [f"{each * 32}" for each in "abc"]


@pytest.mark.parametrize(
    ("provider", "known", "signed", "found"),
    [
        ("sendgrid", [], "s1", None),
        ("sendgrid", [], "m1", ("m1",)),
        ("amazon_ses", TOKENS, TOKENS[1], None),
        ("amazon_ses", TOKENS[:1], TOKENS[1], tuple(TOKENS[:2])),
        ("amazon_ses", TOKENS, "d" * 32, ("d" * 32,)),
        ("postmark", ["old"], "tx7", ("tx7",)),
        ("postmark", ["tx7"], "TX7", None),
    ],
)
def test_one_key_of_several_is_no_news(
    dns, shop, owner, provider, known, signed, found
):
    """A mail shows the key that signed it, and none of those that take turns."""
    dns.publish(zone(MAIL, OTHER.replace("tx7", signed)))
    sender_id = shop(
        provider=provider, host="smtp.x.example", dkim={"selectors": known}
    )
    border = BORDER.replace("spf=pass", "spf=fail")

    read = proof.prove(owner, sender_id, mail(selector=signed, border=border))

    assert (read.adoptable.selectors if read.adoptable else None) == found


def test_what_is_taken_over_leaves_the_rest_as_it_is(owner):
    """The password, the key that signs here, and that it carries no mail yet."""
    values = {
        "name": "Shop",
        "provider": "generic_smtp",
        "host": "smtp.shop.example",
        "port": 587,
        "security": "starttls",
        "auth": "password",
        "username": "shop",
        "password": "open sesame",
        "from_address": "kim@shop.example",
        "dkim_signing": {"domain": "shop.example", "selector": "own"},
    }
    sender_id = senders.save(owner, sender_id=None, values=values, activate=False).id
    before = senders.sender(owner, sender_id)
    found = proof.prove(owner, sender_id, mail()).adoptable

    assert not proof.adopt(owner, sender_id, found).active

    after = senders.sender(owner, sender_id)
    assert after.version == 2 and set(after.secrets) == set(before.secrets) != set()
    assert replace(after.fields, dkim=before.fields.dkim) == before.fields


def domains_dkim(view: domains.DomainView) -> Status:
    return next(each.status for each in view.checks if each.check == "dkim")


@pytest.mark.parametrize(
    "content",
    [
        mail(selector="none"),
        mail(own=OWN.replace("kim@shop.example", "kim@bank.example")),
        mail(domain="mtasv.net"),
    ],
    ids=["no key", "another From", "another signer"],
)
def test_what_proves_nothing_of_the_sender_is_not_taken_over(shop, owner, content):
    assert proof.prove(owner, shop(), content).adoptable is None
