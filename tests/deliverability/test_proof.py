"""A received mail is judged as a receiver judges it: keys asked for, domains compared."""

from __future__ import annotations

import base64
from dataclasses import dataclass

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256, Hash
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from portal.deliverability.proof.judging import prove
from portal.deliverability.proof.types import Evidence, Outcome, Told

RSA = rsa.generate_private_key(65537, 2048)
EDWARDS = ed25519.Ed25519PrivateKey.generate()
COVERED = b"from:shop@shop.example\r\ndkim-signature:v=1; b="
SIGNED = RSA.sign(COVERED, padding.PKCS1v15(), SHA256())


def b64(octets):
    return base64.b64encode(octets).decode()


PUBLIC = b64(
    RSA.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
)
EDWARDS_PUBLIC = b64(EDWARDS.public_key().public_bytes_raw())


def txt(value):
    return " ".join(f'"{value[at : at + 200]}"' for at in range(0, len(value), 200))


ZONES = {
    "shop.example": "\n".join(
        (
            f"s1._domainkey TXT {txt('v=DKIM1; p=' + PUBLIC)}",
            f"s1._domainkey.mail TXT {txt('v=DKIM1; p=' + PUBLIC)}",
            f"ed._domainkey TXT {txt('v=DKIM1; k=ed25519; p=' + EDWARDS_PUBLIC)}",
            'gone._domainkey TXT "v=DKIM1; p="',
            'two._domainkey TXT "p=a"',
            'two._domainkey TXT "p=b"',
            "dead._domainkey ! SERVFAIL",
            '_dmarc TXT "v=DMARC1; p=quarantine; sp=reject"',
        )
    ),
    "strict.example": '_dmarc TXT "v=DMARC1; p=reject; adkim=s; aspf=s"\n'
    f"s1._domainkey.mail TXT {txt('v=DKIM1; p=' + PUBLIC)}",
    "post.example": f"s1._domainkey TXT {txt('p=' + PUBLIC)}",
}


@dataclass(frozen=True, kw_only=True)
class Signature:
    domain: str = "shop.example"
    selector: str = "s1"
    algorithm: str = "rsa-sha256"
    covered: bytes = COVERED
    value: bytes = SIGNED
    body_matches: bool | None = True
    fault: str | None = None
    is_partial: bool = False


def edwards():
    digest = Hash(SHA256())
    digest.update(COVERED)
    value = EDWARDS.sign(digest.finalize())
    return Signature(selector="ed", algorithm="ed25519-sha256", value=value)


@pytest.fixture
def proven(checked):
    def run(*signatures, domain="shop.example", zones=ZONES, **told):
        given = Evidence(from_domain=domain, signatures=signatures, **told)
        return checked(zones, prove, given)

    return run


@pytest.mark.parametrize(
    ("signature", "outcome", "reason"),
    [
        (Signature(), Outcome.VERIFIED, None),
        (edwards(), Outcome.VERIFIED, None),
        (Signature(body_matches=None), Outcome.HEADER_ONLY, "body_missing"),
        (Signature(body_matches=False), Outcome.FAILED, "body_changed"),
        (Signature(covered=b"other"), Outcome.FAILED, "header_changed"),
        (Signature(covered=b"other", body_matches=None), Outcome.FAILED, "header_changed"),
        (Signature(value=b""), Outcome.FAILED, "header_changed"),
        (Signature(fault="expired"), Outcome.FAILED, "expired"),
        (Signature(selector="none"), Outcome.FAILED, "dkim_missing"),
        (Signature(selector="gone"), Outcome.FAILED, "dkim_revoked"),
        (Signature(selector="two"), Outcome.FAILED, "dkim_multiple_records"),
        (Signature(selector="ed"), Outcome.FAILED, "key_of_other_kind"),
        (Signature(selector="dead"), Outcome.UNKNOWN, "dns_servfail"),
    ],
)  # fmt: skip
def test_a_signature(proven, signature, outcome, reason):
    (judged,) = proven(signature).signatures

    assert (judged.outcome, judged.reason) == (outcome, reason)


@pytest.mark.parametrize(
    ("signed_by", "from_domain", "aligned", "passes"),
    [
        ("shop.example", "shop.example", True, True),
        ("mail.shop.example", "shop.example", True, True),
        ("post.example", "shop.example", False, None),
        ("mail.strict.example", "strict.example", False, None),
    ],
)
def test_a_verified_signature_counts_where_it_aligns(
    proven, signed_by, from_domain, aligned, passes
):
    """Without a receiver's word on SPF nobody knows that the mail does not pass."""
    found = proven(Signature(domain=signed_by), domain=from_domain)

    assert found.signatures[0].outcome is Outcome.VERIFIED
    assert (found.signatures[0].is_aligned, found.passes) == (aligned, passes)


@pytest.mark.parametrize(
    ("result", "domain", "passes"),
    [
        ("pass", "bounce.shop.example", True),
        ("pass", "post.example", False),
        ("softfail", "shop.example", False),
        ("pass", None, False),
    ],
)
def test_spf_is_the_receivers_word(proven, result, domain, passes):
    found = proven(spf=(Told(result=result, domain=domain),))

    assert found.passes is passes


def test_what_the_receiver_verified_counts_where_pasting_broke_it(proven):
    """A pasted body differs; the receiver saw the one that was sent."""
    found = proven(
        Signature(body_matches=False),
        spf=(Told(result="pass", domain="post.example"),),
        dkim=(Told(result="pass", domain="shop.example", selector="s1"),),
    )

    assert found.passes is True


@pytest.mark.parametrize("selector", ["dead", "s1"])
def test_what_cannot_be_verified_leaves_it_open(proven, selector):
    open_ = Signature(selector=selector, body_matches=None)
    said = (Told(result="pass", domain="post.example"),)

    assert proven(open_, spf=said).passes is None


def test_the_policy_is_that_of_the_organization(proven):
    assert proven().policy == "quarantine"
    assert proven(domain="news.shop.example").policy == "reject"
    assert proven(domain="post.example").policy is None


def test_a_silent_policy_is_not_none(proven):
    found = proven(zones={"shop.example": "_dmarc ! SERVFAIL"})

    assert (found.policy, found.is_policy_known) == (None, False)
