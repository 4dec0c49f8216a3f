"""Access tokens in AUTH: XOAUTH2 and OAUTHBEARER, and what a refusal says."""

from __future__ import annotations

import base64
import json

from portal.delivery.reply import clean

# The form that Google and Microsoft document, and so the one that every relay is tried
# with; OAUTHBEARER where it stands alone or is asked for. Both carry the same secret.
MECHANISMS = ("XOAUTH2", "OAUTHBEARER")
_KEYS = ("status", "schemes", "scope")  # RFC 7628 §3.2.2


def first_words(mechanism: str, user: str, token: str, host: str, port: int) -> str:
    """What a client says first."""
    if mechanism == "OAUTHBEARER":  # RFC 7628 §3.1, its GS2 header by RFC 5801 §4
        name = user.replace("=", "=3D").replace(",", "=2C")
        return f"n,a={name},\1host={host}\1port={port}\1auth=Bearer {token}\1\1"
    return f"user={user}\1auth=Bearer {token}\1\1"


def last_words(mechanism: str) -> str:
    """After the reason of a refusal, to hear its reply code (RFC 7628 §3.2.3)."""
    return "\1" if mechanism == "OAUTHBEARER" else ""


def reason(challenge: str, secrets: tuple[str, ...]) -> str:
    """`status 401, schemes bearer, scope https://…` from a refusal's base64 JSON."""
    try:
        row = json.loads(base64.b64decode(challenge, validate=True))
    except (ValueError, RecursionError):
        return clean(challenge, secrets)
    if not isinstance(row, dict):
        return clean(challenge, secrets)
    told = [f"{key} {row[key]}" for key in _KEYS if isinstance(row.get(key), str | int)]
    return " ".join(clean(", ".join(told) or str(row), secrets).split())
