"""What people upload as a client certificate is checked at once, in sentences."""

from __future__ import annotations

import datetime

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import dsa, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    pkcs12,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from portal.crypto.certificates import BadCertificate, client_certificate, described
from portal.crypto.keys import BadPrivateKey, sign_rs256

NOW = datetime.datetime.now(datetime.UTC)
DAY = datetime.timedelta(days=1)


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture(scope="module")
def issued(authority):
    return authority.issue_cert("portal.example")


def certificate_of(issued) -> bytes:
    return b"".join(each.bytes() for each in issued.cert_chain_pems)


def key_of(issued) -> bytes:
    return issued.private_key_pem.bytes()


def bundled(issued, password: bytes | None, *others) -> bytes:
    """The same in PKCS#12, as Windows and browsers export it."""
    return pkcs12.serialize_key_and_certificates(
        b"portal",
        load_pem_private_key(key_of(issued), None),
        x509.load_pem_x509_certificate(issued.cert_chain_pems[0].bytes()),
        list(others) or None,
        BestAvailableEncryption(password) if password else NoEncryption(),
    )


def locked(issued, passphrase: bytes) -> bytes:
    key = load_pem_private_key(key_of(issued), None)
    return key.private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(passphrase)
    )


def made(key, *, usages=(), begins=NOW - DAY, ends=NOW + DAY) -> bytes:
    """A self-signed certificate of our own making."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "portal")])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(begins)
        .not_valid_after(ends)
    )
    if usages:
        builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
    return builder.sign(key, SHA256()).public_bytes(Encoding.PEM)


def plain(key) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def test_two_files_are_read(issued):
    found = client_certificate(certificate_of(issued), key=key_of(issued))

    assert found.subject.startswith("O=trustme")
    assert found.not_before < NOW < found.not_after
    assert found.key_pem.startswith("-----BEGIN PRIVATE KEY-----")
    assert "PRIVATE" not in found.cert_pem
    assert found.key_pem not in repr(found)


def test_one_file_in_any_order_is_read(issued):
    both = client_certificate(certificate_of(issued) + key_of(issued))
    turned = client_certificate(key_of(issued) + certificate_of(issued))

    assert both == turned


@pytest.mark.parametrize("password", [None, b"pass \xc3\xa9 word"])
def test_pkcs12_is_read(issued, password):
    passphrase = password.decode() if password else None

    found = client_certificate(bundled(issued, password), passphrase=passphrase)

    assert found == client_certificate(
        issued.cert_chain_pems[0].bytes() + key_of(issued)
    )


def test_chain_follows_the_leaf_and_strangers_stay_out(authority):
    """Given upside down and with a stranger between, it goes out as TLS wants it."""
    middle = authority.create_child_ca()
    issued = middle.issue_cert("portal.example")
    stranger = trustme.CA().cert_pem.bytes()
    leaf, *chain = [each.bytes() for each in issued.cert_chain_pems]
    turned = authority.cert_pem.bytes() + stranger + b"".join(chain[::-1]) + leaf

    found = client_certificate(turned, key=key_of(issued))

    pems = [each.pem.encode() for each in described(found.cert_pem)]
    assert pems == [leaf, middle.cert_pem.bytes(), authority.cert_pem.bytes()]
    assert found.advice == ()


def test_missing_issuer_is_said(issued):
    found = client_certificate(issued.cert_chain_pems[0].bytes() + key_of(issued))

    assert len(found.advice) == 1
    assert "is not in the file" in found.advice[0]


def test_certificate_for_servers_alone_is_said():
    key = rsa.generate_private_key(65537, 2048)
    usages = [ExtendedKeyUsageOID.SERVER_AUTH]

    found = client_certificate(made(key, usages=usages), key=plain(key))

    assert "made for servers" in found.advice[0]


def test_locked_key_opens_with_its_passphrase(issued):
    found = client_certificate(
        certificate_of(issued), key=locked(issued, b"opens"), passphrase="opens"
    )

    assert found == client_certificate(certificate_of(issued), key=key_of(issued))


def test_needless_passphrase_does_no_harm(issued):
    found = client_certificate(
        certificate_of(issued), key=key_of(issued), passphrase="needless"
    )

    assert found.subject


REFUSALS = {
    "another key": "does not match the private key",
    "no key": "no private key",
    "no certificate": "no certificate in this file",
    "a request": "a request for a certificate",
    "nonsense": "no certificate in this file",
    "broken": "certificate cannot be read",
    "broken key": "private key cannot be read",
    "locked": "needs its passphrase",
    "wrong passphrase": "passphrase does not open the private key",
    "locked bundle": "without its passphrase",
    "wrong passphrase of a bundle": "passphrase does not open this file",
    "DER alone": "without its key",
    "expired": "expired on 12 Mar 2024",
    "too early": "not valid before",
    "short key": "1,024 bits",
    "odd key": "of a kind that TLS does not use",
}


def refused(case: str, issued, authority):
    """The values of `client_certificate` for a case."""
    certificate, key = certificate_of(issued), key_of(issued)
    past = datetime.datetime(2024, 3, 12, tzinfo=datetime.UTC)
    mine = rsa.generate_private_key(65537, 2048)
    if case == "short key":
        short = rsa.generate_private_key(65537, 1024)
        return {"data": made(short), "key": plain(short)}
    if case == "odd key":
        odd = dsa.generate_private_key(2048)
        return {"data": made(odd), "key": plain(odd)}
    leaf = x509.load_pem_x509_certificate(issued.cert_chain_pems[0].bytes())
    return {
        "another key": {"data": certificate, "key": plain(mine)},
        "no key": {"data": certificate},
        "no certificate": {"data": key},
        "a request": {"data": b"-----BEGIN CERTIFICATE REQUEST-----\n", "key": key},
        "nonsense": {"data": b"\x89PNG nonsense"},
        "broken": {
            "data": b"-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n",
            "key": key,
        },
        "broken key": {
            "data": certificate,
            "key": b"-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----\n",
        },
        "locked": {"data": certificate, "key": locked(issued, b"opens")},
        "wrong passphrase": {
            "data": certificate,
            "key": locked(issued, b"opens"),
            "passphrase": "shut",
        },
        "locked bundle": {"data": bundled(issued, b"opens")},
        "wrong passphrase of a bundle": {
            "data": bundled(issued, b"opens"),
            "passphrase": "shut",
        },
        "DER alone": {"data": leaf.public_bytes(Encoding.DER)},
        "expired": {
            "data": made(mine, begins=past - DAY, ends=past),
            "key": plain(mine),
        },
        "too early": {
            "data": made(mine, begins=NOW + DAY, ends=NOW + 2 * DAY),
            "key": plain(mine),
        },
    }[case]


@pytest.mark.parametrize("case", REFUSALS)
def test_unfit_file_is_refused_in_a_sentence(issued, authority, case):
    with pytest.raises(BadCertificate, match=REFUSALS[case]) as caught:
        client_certificate(**refused(case, issued, authority))

    assert "PRIVATE KEY-----" not in str(caught.value)


def test_certificates_are_described(authority):
    found, leaf = described(
        authority.cert_pem.bytes().decode()
        + authority.issue_cert("a.example").cert_chain_pems[0].bytes().decode()
    )

    assert found.is_ca
    assert found.subject == found.issuer
    assert not leaf.is_ca
    assert leaf.issuer == found.subject
    assert len(found.fingerprint.split(":")) == 32
    assert found.pem.encode() == authority.cert_pem.bytes()


def test_signature_of_a_jwt_can_be_checked():
    from cryptography.hazmat.primitives.asymmetric import padding

    key = rsa.generate_private_key(65537, 2048)

    signature = sign_rs256(plain(key).decode(), b"head.claims")

    key.public_key().verify(signature, b"head.claims", padding.PKCS1v15(), SHA256())


def test_only_rsa_signs_a_jwt(issued):
    with pytest.raises(BadPrivateKey, match="not an RSA key"):
        sign_rs256(key_of(issued).decode(), b"x")
