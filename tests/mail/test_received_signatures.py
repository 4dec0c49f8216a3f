"""Signatures of a received mail are read as verifiers read them."""

from __future__ import annotations

from datetime import UTC, datetime

import dkim
import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from portal.crypto.verifying import is_ed25519_sha256, is_rsa_sha256
from portal.mail.received.reading import read
from portal.mail.received.signatures import MOST_SIGNATURES, signatures

NOW = datetime(2026, 11, 21, tzinfo=UTC)
MAIL = (
    b"From:  Shop <shop@shop.example>\r\nTo: kim@example.org\r\nX-A: 1\r\n"
    b"X-A:\t2  \r\nSubject: a\r\n  folded \t subject\r\n\r\n"
    b"Hello  there \r\n\tKim\r\n\r\n\r\n"
)
RSA = rsa.generate_private_key(65537, 2048)
PEM = RSA.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
EDWARDS = ed25519.Ed25519PrivateKey.generate()


def public(form):
    return RSA.public_key().public_bytes(Encoding.DER, form)


def signed(mail=MAIL, **how):
    """By dkimpy, which was written by others."""
    return dkim.sign(mail, b"s1", b"shop.example", PEM, **how) + mail


def only(content):
    (found,) = signatures(read(content), now=NOW)
    return found


@pytest.mark.parametrize("body", [b"simple", b"relaxed"])
@pytest.mark.parametrize("header", [b"simple", b"relaxed"])
@pytest.mark.parametrize(
    "form", [PublicFormat.SubjectPublicKeyInfo, PublicFormat.PKCS1]
)
def test_what_others_signed_is_verified(header, body, form):
    found = only(signed(canonicalize=(header, body)))

    assert is_rsa_sha256(public(form), found.value, found.covered)
    assert (found.fault, found.body_matches) == (None, True)


def test_what_others_signed_with_ed25519_is_verified():
    import nacl.encoding
    import nacl.signing

    key = nacl.signing.SigningKey(EDWARDS.private_bytes_raw())
    made = dkim.sign(
        MAIL,
        b"s1",
        b"shop.example",
        key.encode(nacl.encoding.Base64Encoder),
        signature_algorithm=b"ed25519-sha256",
    )
    found = only(made + MAIL)

    assert is_ed25519_sha256(
        EDWARDS.public_key().public_bytes_raw(), found.value, found.covered
    )
    assert not is_ed25519_sha256(b"\0" * 32, found.value, found.covered)


def test_of_two_fields_the_lower_is_covered_first():
    mail = signed(include_headers=[b"from", b"x-a"])

    assert b"x-a:2" in only(mail).covered
    assert b"x-a:1" not in only(mail).covered


@pytest.mark.parametrize(
    ("was", "then", "body_matches", "holds"),
    [
        (b"Kim\r\n", b"Tim\r\n", False, True),
        (b"\r\n\r\n\r\n", b"\r\n\r\n\r\n\r\n", True, True),
        (b"folded", b"other", True, False),
        (b"\r\n", b"\n", True, True),
    ],
)
def test_a_change_is_seen(was, then, body_matches, holds):
    content = signed(canonicalize=(b"relaxed", b"relaxed")).replace(was, then)

    found = only(content)

    der = public(PublicFormat.SubjectPublicKeyInfo)
    assert found.body_matches is body_matches
    assert is_rsa_sha256(der, found.value, found.covered) is holds


def test_a_header_alone_says_nothing_of_the_body():
    assert only(signed().partition(b"\r\n\r\n")[0]).body_matches is None


@pytest.mark.parametrize(
    ("was", "then", "fault"),
    [
        (b"v=1", b"v=2", "version"),
        (b"a=rsa-sha256", b"a=rsa-sha1", "sha1"),
        (b"a=rsa-sha256", b"a=dsa", "algorithm"),
        (b"c=relaxed/simple", b"c=other", "syntax"),
        (b"d=shop.example", b"d=..", "syntax"),
        (b"s=s1", b"s=../x", "syntax"),
        (b"s=s1", b"s=s1; s=s1", "syntax"),
        (b"v=1", b"v=1; x=100", "expired"),
        (b"h=from :", b"h=", "from_unsigned"),
    ],
)
def test_what_no_verifier_takes_has_its_fault(was, then, fault):
    content = signed(include_headers=[b"from", b"to"])
    assert was in content

    assert only(content.replace(was, then)).fault == fault


def test_a_length_beyond_the_body_does_not_match():
    found = only(signed().replace(b"v=1;", b"v=1; l=" + b"9" * 70 + b";"))

    assert (found.body_matches, found.is_partial) == (False, True)


def test_signatures_are_counted():
    field = signed().partition(b"From:")[0]

    found = signatures(read(field * 30 + MAIL), now=NOW)

    assert len(found) == MOST_SIGNATURES
