"""Proof from a received mail: what it shows of this sender, and what is taken over."""

from __future__ import annotations

import pytest

from portal.deliverability.types import Status
from portal.errors import Forbidden, Invalid, Missing, TooMany
from portal.mail.received.reading import MOST_OCTETS
from portal.services.domains import proof
from portal.services.domains.proof.notes import HEADER_ONLY, NO_PLACE
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
