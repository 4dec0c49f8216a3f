"""Whether a signature of a mail is that of a public key (RFC 6376 §3.3, RFC 8463)."""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256, Hash
from cryptography.hazmat.primitives.serialization import load_der_public_key


def is_rsa_sha256(der: bytes, signature: bytes, data: bytes) -> bool:
    """`der` in either of the two forms that DKIM records have. False too for what is
    no key of RSA."""
    try:
        key = load_der_public_key(der)
        if not isinstance(key, rsa.RSAPublicKey):
            return False
        key.verify(signature, data, padding.PKCS1v15(), SHA256())
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        return False
    return True


def is_ed25519_sha256(public: bytes, signature: bytes, data: bytes) -> bool:
    """The signature is over the hash of `data` (RFC 8463 §3)."""
    digest = Hash(SHA256())
    digest.update(data)
    try:
        key = ed25519.Ed25519PublicKey.from_public_bytes(public)
        key.verify(signature, digest.finalize())
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        return False
    return True
