"""Certificates that no public authority stands behind, as internal relays have them."""

from __future__ import annotations

import ssl
import tempfile
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

NAMES = ("localhost", "127.0.0.1")


def self_made() -> ssl.SSLContext:
    """A certificate that signs itself and is no authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "relay.internal")])
    here = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(here - timedelta(days=1))
        .not_valid_after(here + timedelta(days=90))
        .add_extension(
            x509.SubjectAlternativeName(
                [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
            ),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return _serving(pem + made.public_bytes(Encoding.PEM))


def with_its_authority() -> ssl.SSLContext:
    """The whole chain, up to a private authority."""
    authority = trustme.CA(organization_name="Harbour Internal CA")
    leaf = authority.issue_cert(*NAMES)
    return _serving(
        leaf.private_key_and_cert_chain_pem.bytes() + authority.cert_pem.bytes()
    )


PRIVATE: Mapping[str, Callable[[], ssl.SSLContext]] = {
    "its own": self_made,
    "an authority's": with_its_authority,
}


def _serving(pem: bytes) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile() as file:
        file.write(pem)
        file.flush()
        context.load_cert_chain(file.name)
    return context
