"""DANE against a mail host that really shows a certificate after STARTTLS."""

from __future__ import annotations

import asyncio
import hashlib
import ssl
from functools import partial

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from portal.deliverability.transport import tlsa
from portal.deliverability.transport.dane import check_dane
from portal.deliverability.types import Subject
from portal.net.open import OpenNet
from portal.services.looking import shown_at
from tests.relays.scripted import ScriptedRelay

SHOP = Subject(domain="shop.example")
DIALOG = """\
S: 220 mail.shop.example ESMTP
C: EHLO *
S: 250-mail.shop.example
S: 250 STARTTLS
C: STARTTLS
S: 220 2.0.0 Ready to start TLS
! tls shown
"""
ISSUED = trustme.CA().issue_cert("mail.shop.example")
PEMS = tuple(each.bytes().decode() for each in ISSUED.cert_chain_pems)
CERTIFICATE = x509.load_pem_x509_certificate(PEMS[0].encode())
WHOLE = CERTIFICATE.public_bytes(Encoding.DER)
KEY = CERTIFICATE.public_key().public_bytes(
    Encoding.DER, PublicFormat.SubjectPublicKeyInfo
)


@pytest.fixture
def host():
    """`host()`: tells what it shows, wherever the mail hosts are said to be."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ISSUED.configure_cert(context)
    relay = ScriptedRelay(DIALOG, {"shown": context})
    look = partial(shown_at, OpenNet(), "127.0.0.1", port=relay.port)

    async def shown(name):
        return await look()

    yield shown
    relay.close()


def zone(*records):
    lines = ["@ MX 10 mail", "mail A 192.0.2.2"]
    lines += [f"_25._tcp.mail TLSA {each}" for each in records]
    return {"shop.example": "\n".join(lines)}


@pytest.mark.parametrize(
    ("records", "reason", "status"),
    [
        ([f"3 1 1 {hashlib.sha256(KEY).hexdigest()}"], "dane_ok", "pass"),
        ([f"3 1 1 {'ab' * 32}"], "dane_mismatch", "fail"),
        (
            [f"3 1 1 {'ab' * 32}", f"3 0 2 {hashlib.sha512(WHOLE).hexdigest()}"],
            "dane_ok",
            "pass",
        ),
        ([f"0 0 1 {'ab' * 32}"], "dane_absent", "info"),
    ],
)
def test_a_host_is_looked_at(checked, host, records, reason, status):
    check = checked(zone(*records), check_dane, SHOP, host, authenticated=True)

    assert (check.reasons, check.status) == ((reason,), status)


def test_the_record_of_the_certificate_that_is_shown_mends_it(checked, host):
    wrong = zone(f"3 1 1 {'ab' * 32}")
    check = checked(wrong, check_dane, SHOP, host, authenticated=True)

    made = check.fixes[0]
    again = checked(zone(made.value), check_dane, SHOP, host, authenticated=True)

    assert (made.name, made.host) == ("_25._tcp.mail.shop.example", "_25._tcp.mail")
    assert made.value == f"3 1 1 {hashlib.sha256(KEY).hexdigest()}"
    assert (again.reasons, again.fixes) == (("dane_ok",), ())


def test_in_an_unsigned_zone_nobody_looks(checked):
    async def never(name):
        raise AssertionError(name)

    check = checked(zone(f"3 1 1 {'ab' * 32}"), check_dane, SHOP, never)

    assert check.reasons == ("dane_without_dnssec",)


def test_a_host_that_cannot_be_reached_is_no_mismatch(checked):
    async def nothing(name):
        await asyncio.sleep(0)
        return ()

    records = zone(f"3 1 1 {'ab' * 32}")
    check = checked(records, check_dane, SHOP, nothing, authenticated=True)

    assert check.reasons == ("dane_ok",)
    assert check.facts["seen"] == {"mail.shop.example": None}


@pytest.mark.parametrize(
    ("record", "pems", "fitting"),
    [
        (f"3 0 0 {WHOLE.hex()}", PEMS, True),
        (f"3 1 1 {hashlib.sha256(WHOLE).hexdigest()}", PEMS, False),
        (f"2 1 1 {hashlib.sha256(KEY).hexdigest()}", PEMS, True),
        (f"1 1 1 {hashlib.sha256(KEY).hexdigest()}", PEMS, None),
        (f"3 9 1 {'ab' * 32}", PEMS, None),
        (f"3 1 1 {'ab' * 32}", ("no certificate",), None),
        (f"3 1 1 {'ab' * 32}", (), None),
        ("3 1 1", PEMS, None),
    ],
    ids=range(8),  # the key is another one in each process
)
def test_a_record_and_a_certificate(record, pems, fitting):
    assert tlsa.fits(record, pems) is fitting
