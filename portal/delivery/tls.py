"""TLS as we want it, and what a certificate says."""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from portal.delivery.trouble import Trouble
from portal.delivery.types import TlsFacts

_SHORT = {
    "commonName": "CN",
    "organizationName": "O",
    "organizationalUnitName": "OU",
    "countryName": "C",
    "localityName": "L",
    "stateOrProvinceName": "ST",
}


@lru_cache(maxsize=64)
def context_of(ca_pem: str | None) -> ssl.SSLContext:
    """One context per CA: making one costs 17 ms. `ca_pem` replaces the trust store.

    Certificate and name are checked, always; TLS 1.2 at least (RFC 8996).
    """
    try:
        context = ssl.create_default_context(cadata=ca_pem)
    except (ssl.SSLError, ValueError) as error:
        raise Trouble.ours(f"The CA given holds no certificate: {error}.") from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if ca_pem is not None:
        # Whoever gives one intermediate CA, or the relay's own certificate, means it.
        context.verify_flags |= ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
    return context


def facts_of(connection: ssl.SSLObject) -> TlsFacts:
    certificate: dict[str, Any] = connection.getpeercert() or {}
    cipher = connection.cipher()
    return TlsFacts(
        version=connection.version() or "",
        cipher=cipher[0] if cipher else "",
        subject=_name(certificate.get("subject", ())),
        issuer=_name(certificate.get("issuer", ())),
        not_after=_not_after(certificate),
        san=tuple(f"{value}" for _, value in certificate.get("subjectAltName", ())),
    )


def sentence(facts: TlsFacts, host: str) -> str:
    """`TLS 1.3, certificate for smtp.example.org until 12 Mar 2027`."""
    words = f"{facts.version.replace('TLSv', 'TLS ')}, certificate for {host}"
    if facts.not_after is None:
        return words
    return f"{words} until {facts.not_after.day} {facts.not_after:%b %Y}"


def _name(parts: Iterable[Iterable[tuple[str, str]]]) -> str:
    """`O=Example Inc, CN=smtp.example.org`, in the order of the certificate."""
    return ", ".join(
        f"{_SHORT.get(key, key)}={value}" for part in parts for key, value in part
    )


def _not_after(certificate: dict[str, Any]) -> datetime | None:
    text = certificate.get("notAfter")
    if text is None:
        return None
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(text), UTC)
