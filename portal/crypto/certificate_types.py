"""What is known of a certificate, without the library that reads them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime


class BadCertificate(ValueError):
    """The file cannot be used. The text is a sentence for who uploaded it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateFacts:
    """One certificate, as a person can compare it.

    `fingerprint` is its SHA-256 in upper-case hexadecimal with colons.
    """

    subject: str
    issuer: str
    not_before: datetime
    not_after: datetime
    fingerprint: str
    is_ca: bool
    pem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientCertificate:
    """A certificate with its key, checked. `cert_pem` holds the leaf, then the
    chain behind it; `key_pem` is PKCS#8 without a passphrase. `advice` are
    sentences about what a relay may dislike."""

    cert_pem: str
    key_pem: str = field(repr=False)
    subject: str
    issuer: str
    not_before: datetime
    not_after: datetime
    advice: tuple[str, ...] = ()
