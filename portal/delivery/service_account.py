"""A service account's key file, and the signed JWT that asks for a token with it."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from portal.crypto.keys import BadPrivateKey, sign_rs256
from portal.secret import Secret

LIFE_S = 3600  # the longest that Google takes
_MOST = 32_768


class BadServiceAccount(ValueError):
    """The file cannot be used. The text is a sentence that repeats none of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceAccount:
    """What of Google's JSON key file matters here."""

    client_email: str
    private_key: Secret = field(repr=False)
    key_id: str
    token_uri: str


def read_service_account(text: str) -> ServiceAccount:
    """Raises BadServiceAccount: not JSON, another kind of file, no usable key."""
    row = _object(text)
    if isinstance(row.get("installed") or row.get("web"), dict):
        raise BadServiceAccount(
            "This file is of an OAuth client, not of a service account: make a key for"
            " the service account and take its JSON file."
        )
    if row.get("type", "service_account") != "service_account":
        raise BadServiceAccount("This file is not the key of a service account.")
    key = _text(row, "private_key")
    try:
        sign_rs256(key, b"")
    except BadPrivateKey as error:
        raise BadServiceAccount(
            f"The key of the service account cannot be used. {error}"
        ) from error
    return ServiceAccount(
        client_email=_text(row, "client_email"),
        private_key=Secret(key),
        key_id=_text(row, "private_key_id", needed=False),
        token_uri=_text(row, "token_uri", needed=False),
    )


def assertion(
    account: ServiceAccount,
    *,
    audience: str,
    scope: str,
    subject: str | None,
    now: datetime,
) -> Secret:
    """RFC 7523 §3; `subject` is the mailbox that the account acts for."""
    head = {"alg": "RS256", "typ": "JWT"}
    if account.key_id:
        head["kid"] = account.key_id
    issued = int(now.timestamp())
    claims: dict[str, Any] = {
        "iss": account.client_email,
        "scope": scope,
        "aud": audience,
        "iat": issued,
        "exp": issued + LIFE_S,
    }
    if subject:
        claims["sub"] = subject
    signed = f"{_part(head)}.{_part(claims)}"
    signature = sign_rs256(account.private_key.reveal(), signed.encode())
    return Secret(f"{signed}.{_b64url(signature)}")


def _object(text: str) -> dict[str, Any]:
    try:
        if len(text) > _MOST:
            raise ValueError("too long")
        row = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadServiceAccount(
            "The service account’s file is not JSON: upload the file as Google gave it."
        ) from error
    if not isinstance(row, dict):
        raise BadServiceAccount("This file is not the key of a service account.")
    return row


def _text(row: dict[str, Any], name: str, *, needed: bool = True) -> str:
    value = row.get(name, "")
    if not isinstance(value, str) or (needed and not value.strip()):
        raise BadServiceAccount(f"The service account’s file has no “{name}”.")
    return value.strip()


def _part(value: dict[str, Any]) -> str:
    return _b64url(json.dumps(value, separators=(",", ":")).encode())


def _b64url(raw: bytes) -> str:
    """RFC 7515 §2: without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
