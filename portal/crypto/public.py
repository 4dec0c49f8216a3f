"""Public keys of others, as DKIM records and certificates carry them."""

from __future__ import annotations

ED25519_OCTETS = 32  # RFC 8463 §4: the key itself, without any wrapping
_RSA = bytes.fromhex("06092a864886f70d0101010500")  # its object identifier, and NULL
_INTEGER, _BITS, _SEQUENCE = 0x02, 0x03, 0x30


class BadPublicKey(ValueError):
    """Octets that are no such key."""


def rsa_bits(der: bytes) -> int:
    """The length of the modulus. RFC 6376 §3.6.1 means RSAPublicKey (RFC 8017 §A.1.1),
    nearly everybody publishes SubjectPublicKeyInfo; both are read.

    By hand, as the library refuses the short keys that have to be told apart from
    broken ones. Raises BadPublicKey.
    """
    inside = _whole(der, _SEQUENCE)
    if inside[:1] == bytes([_SEQUENCE]):
        algorithm, rest = _first(inside, _SEQUENCE)
        bits = _whole(rest, _BITS)
        if algorithm != _RSA or bits[:1] != b"\0":
            raise BadPublicKey("not of RSA")
        inside = _whole(bits[1:], _SEQUENCE)
    modulus, rest = _first(inside, _INTEGER)
    exponent = _whole(rest, _INTEGER)
    if not modulus or not exponent or modulus[0] & 0x80:
        raise BadPublicKey("no RSA key")
    return int.from_bytes(modulus, "big").bit_length()


def der_and_key(pem: str) -> tuple[bytes, bytes]:
    """A certificate and its SubjectPublicKeyInfo, in DER. Raises BadPublicKey."""
    # Here, as they take long to import and hardly a domain needs this (DANE).
    from cryptography import x509
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    try:
        certificate = x509.load_pem_x509_certificate(pem.encode())
        key = certificate.public_key()
    except (ValueError, UnsupportedAlgorithm) as error:
        raise BadPublicKey("a certificate that cannot be read") from error
    return (
        certificate.public_bytes(Encoding.DER),
        key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
    )


def _whole(der: bytes, tag: int) -> bytes:
    value, rest = _first(der, tag)
    if rest:
        raise BadPublicKey("more than a key")
    return value


def _first(der: bytes, tag: int) -> tuple[bytes, bytes]:
    """The value of one element, and what stands behind it (X.690 §8.1)."""
    if len(der) < 2 or der[0] != tag:
        raise BadPublicKey("no DER")
    length, start = der[1], 2
    if length & 0x80:
        start += length & 0x7F
        length = int.from_bytes(der[2:start], "big")
    if start + length > len(der):
        raise BadPublicKey("cut short")
    return der[start : start + length], der[start + length :]
