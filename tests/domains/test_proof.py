"""Proof from a received mail: what it shows of this sender, and what is taken over."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from portal.deliverability.types import Status
from portal.errors import Forbidden, Invalid, Missing, TooMany
from portal.mail.received import MOST_OCTETS
from portal.services import audit, domains, senders
from portal.services.domains import proof
from portal.services.domains.proof_notes import HEADER_ONLY, NO_PLACE
from portal.store.fields import now
from portal.store.models import LiveTest, Recipient
from tests.domains.conftest import MAIL, PATH, zone
from tests.domains.mails import BORDER, OTHER, OWN, SHOP, header, mail


@pytest.fixture(autouse=True)
def published(dns):
    dns.publish(SHOP)


def states(found):
    return [(row.label, row.status) for row in found.rows]


def test_a_received_mail_proves_its_domain(shop, owner):
    found = proof.prove(owner, shop(), mail())

    assert found.sentence == (
        "This mail passes DMARC for shop.example, by its DKIM signature and SPF."
    )
    assert states(found) == [
        ("DMARC", Status.PASS),
        ("DKIM", Status.PASS),
        ("SPF", Status.PASS),
    ]
    assert found.rows[1].about == "tx7._domainkey.shop.example"
    assert "reject" in found.rows[0].text and "RSA 2048" in found.rows[1].text
    assert found.subject == "Your <b>order</b>"


def test_without_a_policy_there_is_no_dmarc_to_pass(dns, shop, owner):
    dns.publish(zone(MAIL, PATH, OTHER))

    found = proof.prove(owner, shop(), mail(border=BORDER.replace("dmarc=", "x=")))

    assert (found.status, found.rows[0].status) == (Status.WARN, Status.WARN)
    assert found.sentence == (
        "This mail is proved to be from shop.example, by its DKIM signature and SPF, "
        "but the domain publishes no DMARC policy."
    )


def test_forged_results_are_ignored_and_said_to_be(shop, owner):
    found = proof.prove(owner, shop(), mail())

    assert not any("bank" in row.about for row in found.rows)
    assert any("mx.office.example are ignored" in text for text in found.notes)


def test_the_way_has_its_encryption_and_delays(shop, owner):
    first, border = proof.prove(owner, shop(), mail()).way

    assert (first.status, first.took_s, first.is_border) == (Status.INFO, None, False)
    assert (border.encryption, border.took_s, border.is_border) == ("TLS 1.3", 7, True)


def test_a_header_alone_is_no_proof_of_a_signature(shop, owner):
    content = header(mail(border="")).partition(b"DKIM")

    found = proof.prove(owner, shop(), b"DKIM" + content[2])

    assert (found.status, found.rows[1].status) == (Status.UNKNOWN, Status.UNKNOWN)
    assert found.notes == (NO_PLACE, HEADER_ONLY)


def test_a_changed_mail_is_told_from_a_broken_one(shop, owner):
    changed = mail(border="").replace(b"Thank you", b"Thank me")

    found = proof.prove(owner, shop(), changed)

    assert found.rows[1].status is Status.FAIL
    assert "body is not the one that was signed" in found.rows[1].text


def test_a_mail_without_signature_says_so(shop, owner):
    found = proof.prove(owner, shop(), (BORDER + OWN).encode())

    assert found.rows[1].title == "Not signed"


def test_the_mail_is_tied_to_its_test(both_databases, shop, owner, make):
    test = LiveTest.create(
        tenant=owner.here.id,
        to_address="lee@office.example",
        settings={},
        message_id="<7.abc@shop.example>",
        expires_at=now() + timedelta(hours=1),
    )
    sender_id = shop()

    tied = proof.prove(owner, sender_id, mail()).tied

    assert (tied.kind, tied.id) == ("test", test.public_id)
    LiveTest.update(tenant=make.tenant("other").id).execute()
    assert proof.prove(owner, sender_id, mail()).tied is None


def test_a_relays_own_message_id_is_what_it_answered(both_databases, shop, owner, make):
    """Amazon SES puts its own in place of ours."""
    given = "0100019a1b2c3d4e-5f6a7b8c-9d0e-4f1a-000000"
    test = LiveTest.create(
        tenant=owner.here.id,
        to_address="lee@office.example",
        settings={},
        message_id="<7.abc@shop.example>",
        state="done",
        outcome={"reply": {"code": 250, "text": f"250 Ok {given}"}},
        expires_at=now() + timedelta(hours=1),
    )
    sender_id = shop()
    content = mail(own=OWN.replace("7.abc@shop", f"{given}@email.amazonses"))

    assert proof.prove(owner, sender_id, content).tied.id == test.public_id
    LiveTest.update(tenant=make.tenant("other").id).execute()
    assert proof.prove(owner, sender_id, content).tied is None


SES = "0100019a1b2c3d4e-5f6a7b8c-9d0e-4f1a-000000"
ANSWERED = {"code": 250, "enhanced": None, "text": f"Ok {SES}"}


def answered_as(make, tenant, **more):
    """A mail of the tenant's that the relay took with this reply."""
    message = make.message(tenant, to=("lee@office.example",), state="sent", **more)
    Recipient.update(reply=ANSWERED).where(Recipient.message == message).execute()
    return message


def test_a_mail_is_tied_by_what_its_relay_answered(both_databases, shop, owner, make):
    answered_as(make, make.tenant("other"))
    message = answered_as(make, owner.here)
    make.message(owner.here, to=("lee@office.example",), state="sent")
    sender_id = shop()
    content = mail(own=OWN.replace("7.abc@shop", f"{SES}@eu-west-1.amazonses"))

    tied = proof.prove(owner, sender_id, content).tied

    assert (tied.kind, tied.id) == ("message", message.public_id)
    assert tied.by_reply
    Recipient.update(tenant=make.tenant("third").id).execute()
    assert proof.prove(owner, sender_id, content).tied is None


@pytest.mark.parametrize(
    "own",
    [
        OWN.replace("lee@", "sam@").replace("7.abc@shop", f"{SES}@amazonses"),
        OWN.replace("7.abc@shop", f"{SES[:20]}@amazonses"),
        OWN.replace("7.abc@shop", "Ok@amazonses"),
        OWN.replace("To: lee@office.example", "To: " + "<,@" * 5000),
    ],
    ids=["another recipient", "a part of it", "a short word", "hostile addresses"],
)
def test_a_mail_is_not_tied_by_chance(shop, owner, make, own):
    answered_as(make, owner.here)

    assert proof.prove(owner, shop(), mail(own=own)).tied is None


def test_the_id_that_a_relay_kept_beside_its_own_counts(shop, owner, make):
    """Gmail and Outlook.com replace a Message-ID and name the one that was there."""
    message = make.message(owner.here)
    kept = f"X-Google-Original-Message-ID: {message.message_id}\n"

    tied = proof.prove(owner, shop(), mail(own=kept + OWN)).tied

    assert (tied.kind, tied.id) == ("message", message.public_id)


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


def test_the_mail_is_tied_to_what_was_sent(shop, owner, make):
    message = make.message(owner.here)
    content = mail(own=OWN.replace("<7.abc@shop.example>", message.message_id))

    tied = proof.prove(owner, shop(), content).tied

    assert (tied.kind, tied.id) == ("message", message.public_id)


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


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b" \r\n", proof.NOTHING),
        (b"x" * (MOST_OCTETS + 1), proof.NO_MAIL),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" * 200_000, proof.IS_OUTLOOK),
        (b"\n<!doctype html><pre>From: &lt;a@b.example&gt;", proof.IS_PAGE),
        (b"<?xml version='1.0'?><feedback/>", proof.IS_PAGE),
        (b"just words", proof.NO_MAIL),
        (b"To: a@b.example\n\nhi", proof.NO_MAIL),
        (b"From: a@b.example, c@d.example\n\nhi", proof.NO_FROM),
    ],
)
def test_what_is_no_mail_is_refused(shop, owner, content, sentence):
    with pytest.raises(Invalid) as refused:
        proof.prove(owner, shop(), content)

    assert refused.value.sentence == sentence


def test_it_is_for_admins_of_this_tenant(shop, viewer, stranger):
    sender_id = shop()

    with pytest.raises(Forbidden):
        proof.prove(viewer, sender_id, mail())
    with pytest.raises(Missing):
        proof.prove(stranger, sender_id, mail())


def test_it_has_a_limit(shop, owner):
    sender_id = shop()
    for _ in range(proof.PROOFS):
        proof.prove(owner, sender_id, mail())

    with pytest.raises(TooMany):
        proof.prove(owner, sender_id, mail())
