"""Certificates and their keys, read and judged: the work of `certificates`."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    pkcs12,
)
from cryptography.x509.oid import ExtendedKeyUsageOID

from portal.crypto.certificate_types import (
    BadCertificate,
    CertificateFacts,
    ClientCertificate,
)
from portal.crypto.keys import (
    BadPrivateKey,
    PrivateKey,
    fit_for_tls,
    pem_of,
    private_key,
    public_half,
)

_UNREADABLE = (ValueError, TypeError, UnsupportedAlgorithm)


def client_certificate(
    data: bytes,
    *,
    key: bytes | None,
    passphrase: str | None,
    now: datetime,
) -> ClientCertificate:
    try:
        found, certificates = _read(data, key, passphrase)
    except BadPrivateKey as error:
        raise BadCertificate(str(error)) from error
    leaf = _leaf_of(found, certificates)
    facts = _facts(leaf)
    _demand_in_date(facts, now)
    chain = _chain_of(leaf, certificates)
    return ClientCertificate(
        cert_pem="".join(_pem(each) for each in chain),
        key_pem=pem_of(found),
        subject=facts.subject,
        issuer=facts.issuer,
        not_before=facts.not_before,
        not_after=facts.not_after,
        advice=tuple(_advice(chain, now)),
    )


def described(pem: str) -> tuple[CertificateFacts, ...]:
    return tuple(_facts(each) for each in _certificates(pem.encode()))


def described_der(certificates: Iterable[bytes]) -> tuple[CertificateFacts, ...]:
    return tuple(_facts(_of_der(each)) for each in certificates)


def _read(
    data: bytes, key: bytes | None, passphrase: str | None
) -> tuple[PrivateKey, list[x509.Certificate]]:
    if b"-----BEGIN" not in data and key is None:
        return _read_pkcs12(data, passphrase)
    certificates = _certificates(data)
    source = key if key is not None else data
    if key is not None and b"-----BEGIN CERTIFICATE-----" in key:
        certificates += _certificates(key)
    return private_key(source, passphrase), certificates


def _read_pkcs12(
    data: bytes, passphrase: str | None
) -> tuple[PrivateKey, list[x509.Certificate]]:
    if _is_one_certificate(data):
        raise BadCertificate(
            "This file holds a certificate without its key. Upload the key as well."
        )
    # RFC 7292 §B.1: no passphrase and an empty one are not the same.
    tries = [passphrase.encode()] if passphrase else [None, b""]
    for attempt in tries:
        try:
            key, leaf, others = pkcs12.load_key_and_certificates(data, attempt)
        except _UNREADABLE:
            continue
        if key is None or leaf is None:
            raise BadCertificate("This file does not hold a certificate with its key.")
        return fit_for_tls(key), [leaf, *others]
    if data[:1] != b"\x30":  # a DER sequence, as PKCS#12 and DER certificates are
        raise BadCertificate("There is no certificate in this file.")
    if passphrase:
        raise BadCertificate("The passphrase does not open this file.")
    raise BadCertificate("This file cannot be opened without its passphrase.")


def _certificates(data: bytes) -> list[x509.Certificate]:
    if b"-----BEGIN" not in data:
        return [_of_der(data)]
    if b"-----BEGIN CERTIFICATE REQUEST" in data:
        raise BadCertificate(
            "This is a request for a certificate, not the certificate itself."
        )
    if b"-----BEGIN CERTIFICATE-----" not in data:
        raise BadCertificate("There is no certificate in this file.")
    try:
        return x509.load_pem_x509_certificates(data)
    except _UNREADABLE as error:
        raise BadCertificate("The certificate cannot be read.") from error


def _of_der(data: bytes) -> x509.Certificate:
    try:
        return x509.load_der_x509_certificate(data)
    except _UNREADABLE as error:
        raise BadCertificate("There is no certificate in this file.") from error


def _is_one_certificate(data: bytes) -> bool:
    try:
        x509.load_der_x509_certificate(data)
    except _UNREADABLE:
        return False
    return True


def _leaf_of(key: PrivateKey, certificates: list[x509.Certificate]) -> x509.Certificate:
    ours = public_half(key)
    for each in certificates:
        if _public_half(each) == ours:
            return each
    raise BadCertificate("The certificate does not match the private key.")


def _public_half(certificate: x509.Certificate) -> bytes | None:
    try:
        return certificate.public_key().public_bytes(
            Encoding.DER, PublicFormat.SubjectPublicKeyInfo
        )
    except _UNREADABLE:
        return None


def _demand_in_date(facts: CertificateFacts, now: datetime) -> None:
    if now < facts.not_before:
        raise BadCertificate(
            f"The certificate is not valid before {_day(facts.not_before)}."
        )
    if now > facts.not_after:
        raise BadCertificate(f"The certificate expired on {_day(facts.not_after)}.")


def _chain_of(
    leaf: x509.Certificate, certificates: list[x509.Certificate]
) -> list[x509.Certificate]:
    """The leaf and who issued it, one after the other; strangers are left out."""
    chain = [leaf]
    while not _is_issued_by(chain[-1], chain[-1]):
        issuers = (
            each
            for each in certificates
            if each not in chain and _is_issued_by(chain[-1], each)
        )
        issuer = next(issuers, None)
        if issuer is None:
            break
        chain.append(issuer)
    return chain


def _is_issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (InvalidSignature, *_UNREADABLE):
        return False
    return True


def _advice(chain: list[x509.Certificate], now: datetime) -> Iterable[str]:
    leaf, last = chain[0], chain[-1]
    if not _is_for_clients(leaf):
        yield (
            "This certificate is made for servers (its extended key usage does not"
            " name clients): many relays refuse it."
        )
    for each in chain[1:]:
        facts = _facts(each)
        if not facts.not_before <= now <= facts.not_after:
            yield (
                f"The certificate of its issuer, {facts.subject}, is valid from"
                f" {_day(facts.not_before)} to {_day(facts.not_after)} only."
            )
    if not _is_issued_by(last, last):
        yield (
            f"The certificate of {_name(last.issuer)} is not in the file: a relay that"
            " does not know it cannot check this one."
        )


def _is_for_clients(certificate: x509.Certificate) -> bool:
    """RFC 5280 §4.2.1.12: without the extension it is for everything."""
    try:
        usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    except (x509.ExtensionNotFound, *_UNREADABLE):
        return True
    wanted = {
        ExtendedKeyUsageOID.CLIENT_AUTH,
        ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,
    }
    return not wanted.isdisjoint(usage.value)


def _facts(certificate: x509.Certificate) -> CertificateFacts:
    digest = certificate.fingerprint(SHA256()).hex(":").upper()
    try:
        return CertificateFacts(
            subject=_name(certificate.subject),
            issuer=_name(certificate.issuer),
            not_before=certificate.not_valid_before_utc,
            not_after=certificate.not_valid_after_utc,
            fingerprint=digest,
            is_ca=_is_ca(certificate),
            pem=_pem(certificate),
        )
    except _UNREADABLE as error:
        raise BadCertificate("The certificate cannot be read.") from error


def _is_ca(certificate: x509.Certificate) -> bool:
    try:
        found = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    except (x509.ExtensionNotFound, *_UNREADABLE):
        return False
    return found.value.ca


def _name(name: x509.Name) -> str:
    """`O=Example Inc, CN=smtp.example.org`, in the order of the certificate."""
    return ", ".join(f"{part.rfc4514_attribute_name}={part.value!s}" for part in name)


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode()


def _day(moment: datetime) -> str:
    return f"{moment.day} {moment:%b %Y}"
