"""Private keys as people upload them: read, judged fit for TLS, and signed with."""

from __future__ import annotations

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
    load_pem_private_key,
)

LEAST_RSA_BITS = 2048  # what OpenSSL takes at security level 2, Debian's

PrivateKey = (
    rsa.RSAPrivateKey
    | ec.EllipticCurvePrivateKey
    | ed25519.Ed25519PrivateKey
    | ed448.Ed448PrivateKey
)


class BadPrivateKey(ValueError):
    """The key cannot be used. The text is a sentence that repeats none of it."""


def private_key(data: bytes, passphrase: str | None) -> PrivateKey:
    """The key of a PEM or DER file. A passphrase that is not needed does no harm.

    Raises BadPrivateKey.
    """
    is_pem = b"-----BEGIN" in data
    if is_pem and b"PRIVATE KEY-----" not in data:
        raise BadPrivateKey("There is no private key in this file.")
    if is_pem:
        data = _from_the_key_on(data)
    load = load_pem_private_key if is_pem else load_der_private_key
    secret = passphrase.encode() if passphrase else None
    try:
        key = load(data, secret)
    except TypeError as error:
        if secret is None:
            raise BadPrivateKey(
                "The private key is encrypted and needs its passphrase."
            ) from error
        return private_key(data, None)  # it is not encrypted at all
    except (ValueError, UnsupportedAlgorithm) as error:
        if secret is None:
            raise BadPrivateKey("The private key cannot be read.") from error
        raise BadPrivateKey("The passphrase does not open the private key.") from error
    return fit_for_tls(key)


def fit_for_tls(key: object) -> PrivateKey:
    """Raises BadPrivateKey for a key that no TLS of today uses."""
    if not isinstance(key, PrivateKey):
        raise BadPrivateKey("The private key is of a kind that TLS does not use.")
    if isinstance(key, rsa.RSAPrivateKey) and key.key_size < LEAST_RSA_BITS:
        raise BadPrivateKey(
            f"The key has {key.key_size:,} bits; {LEAST_RSA_BITS:,} are the least that"
            " TLS takes today."
        )
    return key


def pem_of(key: PrivateKey) -> str:
    """PKCS#8 without a passphrase."""
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return pem.decode()


def public_half(key: PrivateKey) -> bytes:
    """To compare with the key of a certificate."""
    public = key.public_key()
    return public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def sign_rs256(pem: str, data: bytes) -> bytes:
    """RSASSA-PKCS1-v1_5 with SHA-256 (RFC 7518 §3.3). Raises BadPrivateKey."""
    key = private_key(pem.encode(), None)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise BadPrivateKey("The private key is not an RSA key.")
    return key.sign(data, padding.PKCS1v15(), SHA256())


def _from_the_key_on(data: bytes) -> bytes:
    """A PEM file may begin with certificates, or with EC parameters."""
    end = data.index(b"PRIVATE KEY-----")
    return data[max(0, data.rfind(b"-----BEGIN", 0, end)) :]
