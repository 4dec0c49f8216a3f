"""Random tokens, and the fingerprint that stands for one in a table."""

from __future__ import annotations

import hashlib
import hmac
import secrets


def new_token() -> str:
    """256 random bits in 43 characters that are safe in URLs and cookies."""
    return secrets.token_urlsafe(32)


def fingerprint(token: str) -> str:
    """SHA-256, hex. A token is random, so no slow hash is needed."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def same(ours: str, theirs: str) -> bool:
    """Compare without telling by the time how much of it fits."""
    return hmac.compare_digest(ours.encode(), theirs.encode("utf-8", "replace"))
