"""JSON Web Tokens (RFC 7519) as a token server signs and verifies them: RS256."""

from __future__ import annotations

import base64
import functools
import json
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa


@functools.cache
def shared_key() -> rsa.RSAPrivateKey:
    """One for all servers of a process: making one takes long."""
    return new_key()


def new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem_of(key: rsa.RSAPrivateKey) -> str:
    """PKCS#8, as Google's key files hold it."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


def signed(claims: dict[str, Any], key: rsa.RSAPrivateKey) -> str:
    head = _part({"alg": "RS256", "typ": "JWT"}) + "." + _part(claims)
    signature = key.sign(head.encode(), padding.PKCS1v15(), hashes.SHA256())
    return f"{head}.{_b64(signature)}"


def verified(token: str, key: rsa.RSAPublicKey) -> dict[str, Any]:
    """The claims. ValueError with a sentence where it is not this key's."""
    parts = token.split(".")
    if len(parts) != 3:
        raise ValueError("not a JWT")
    header, claims = (json.loads(_bytes(part)) for part in parts[:2])
    if header.get("alg") != "RS256":
        raise ValueError(f"alg is {header.get('alg')}, not RS256")
    try:
        key.verify(
            _bytes(parts[2]),
            ".".join(parts[:2]).encode(),
            padding.PKCS1v15(),
            hashes.SHA256(),
        )
    except InvalidSignature:
        raise ValueError("Invalid JWT Signature.") from None
    assert isinstance(claims, dict)
    return claims


def _part(value: dict[str, Any]) -> str:
    return _b64(json.dumps(value).encode())


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _bytes(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
