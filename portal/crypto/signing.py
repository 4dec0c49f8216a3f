"""Keys that sign mail: made, shown to DNS, and used (RFC 6376, RFC 8463)."""

from __future__ import annotations

import base64
from functools import lru_cache

from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from portal.crypto.keys import BadPrivateKey, pem_of, private_key

RSA = "rsa"
ED25519 = "ed25519"
RSA_BITS = 2048  # RFC 8301 §3.2; a longer record does not fit one TXT answer by UDP
_KEPT = 64  # reading a PEM costs as much as signing with it


def new_key(algorithm: str) -> str:
    """A fresh key in PEM, for `rsa` or `ed25519`."""
    if algorithm == ED25519:
        return pem_of(ed25519.Ed25519PrivateKey.generate())
    if algorithm == RSA:
        return pem_of(rsa.generate_private_key(65537, RSA_BITS))
    raise ValueError(f"There is no DKIM key of the kind {algorithm!r}.")


def algorithm_of(pem: str) -> str:
    """`rsa` or `ed25519`. Raises BadPrivateKey."""
    return RSA if isinstance(_key(pem), rsa.RSAPrivateKey) else ED25519


def public_record(pem: str) -> str:
    """The TXT record of this key (RFC 6376 §3.6.1). Raises BadPrivateKey."""
    key = _key(pem)
    if isinstance(key, rsa.RSAPrivateKey):
        public = key.public_key().public_bytes(
            Encoding.DER, PublicFormat.SubjectPublicKeyInfo
        )
    else:
        # RFC 8463 §4: the 32 octets themselves.
        public = key.public_key().public_bytes_raw()
    shown = base64.b64encode(public).decode()
    return f"v=DKIM1; k={algorithm_of(pem)}; p={shown}"


def sign_rsa_sha256(pem: str, data: bytes) -> bytes:
    """RSASSA-PKCS1-v1_5 over SHA-256 of `data` (RFC 6376 §3.3.1)."""
    key = _key(pem)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise BadPrivateKey("The private key is not an RSA key.")
    return key.sign(data, padding.PKCS1v15(), SHA256())


def sign_ed25519(pem: str, data: bytes) -> bytes:
    """PureEdDSA over `data` itself, which for DKIM is a hash (RFC 8463 §3)."""
    key = _key(pem)
    if not isinstance(key, ed25519.Ed25519PrivateKey):
        raise BadPrivateKey("The private key is not an Ed25519 key.")
    return key.sign(data)


@lru_cache(maxsize=_KEPT)
def _key(pem: str) -> rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey:
    key = private_key(pem.encode(), None)
    if isinstance(key, (rsa.RSAPrivateKey, ed25519.Ed25519PrivateKey)):
        return key
    raise BadPrivateKey("Mail is signed with an RSA or an Ed25519 key.")
