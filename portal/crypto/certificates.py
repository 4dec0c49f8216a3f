"""Certificates and their keys: what a client shows a relay, what a relay shows us.

What reads them is imported with the first one: nearly every sender has a password.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from portal.crypto.certificate_types import (
    BadCertificate,
    CertificateFacts,
    ClientCertificate,
)

__all__ = [
    "BadCertificate",
    "CertificateFacts",
    "ClientCertificate",
    "client_certificate",
    "described",
    "described_der",
]


def client_certificate(
    data: bytes,
    *,
    key: bytes | None = None,
    passphrase: str | None = None,
    now: datetime | None = None,
) -> ClientCertificate:
    """Reads PEM or DER (`key` is the second file, if there are two) or PKCS#12.

    Raises BadCertificate: no certificate or key, a key of another certificate, a
    wrong passphrase, not in date, a kind of key that TLS cannot use.
    """
    from portal.crypto import x509

    now = now or datetime.now(UTC)
    return x509.client_certificate(data, key=key, passphrase=passphrase, now=now)


def described(pem: str) -> tuple[CertificateFacts, ...]:
    """What the certificates of a PEM text say, in their order. Raises BadCertificate."""
    from portal.crypto import x509

    return x509.described(pem)


def described_der(certificates: Iterable[bytes]) -> tuple[CertificateFacts, ...]:
    """As `described`, for DER as a TLS library gives it. Raises BadCertificate."""
    from portal.crypto import x509

    return x509.described_der(certificates)
