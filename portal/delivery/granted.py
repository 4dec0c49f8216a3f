"""What a token end point answered, read without trusting it (RFC 6749 §5)."""

from __future__ import annotations

import base64
import json
import math
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from portal.delivery.reply import clean
from portal.delivery.tokens import Token, TokenRefusal
from portal.delivery.types import FailureKind
from portal.net.https import HttpAnswer
from portal.secret import Secret

EXCEPTION = "OAuthTokenError"  # the name under which the causes know it
_LONGEST_LIFE = timedelta(days=366)
_VISIBLE = re.compile(r"[!-~]+")  # RFC 6750 §2.1 and a bit: what AUTH can carry
_WORDS = 600  # characters of an error_description
_CLAIM = 200
# What of a JWT is shown, and under which name.
_CLAIMS = {
    "aud": "audience",
    "scp": "scope",
    "scope": "scope",
    "roles": "roles",
    "upn": "user",
    "preferred_username": "user",
    "appid": "client",
    "azp": "client",
    "tid": "tenant",
}


# Who consented, the best name first.
_ACCOUNT = ("preferred_username", "upn", "unique_name", "email", "name")


def read_answer(
    answer: HttpAnswer, *, secrets: Sequence[str], now: datetime
) -> Token | TokenRefusal:
    """`secrets` are what we sent: an end point may quote them, people never see it."""
    row = _object(answer.body)
    if 300 <= answer.status < 400:
        place = _one_line(answer.header("location"), secrets, _CLAIM)
        return _odd(answer, f"a redirect to {place}, which is not followed")
    if row is None:
        kind = _one_line(answer.header("content-type"), secrets, 80) or "no type"
        return _odd(answer, f"something that is no JSON ({kind})")
    if "error" in row or not 200 <= answer.status < 300:
        return _refusal(answer, row, secrets)
    access = row.get("access_token")
    if not isinstance(access, str) or not _VISIBLE.fullmatch(access):
        return _odd(answer, "no access token")
    kind = row.get("token_type", "Bearer")
    if not isinstance(kind, str) or kind.lower() != "bearer":
        shown = _one_line(str(kind), (*secrets, access), 40)
        return _odd(answer, f"a token of the type “{shown}” instead of Bearer")
    return _token(row, access, secrets, now)


def account_in(answer: HttpAnswer, *, secrets: Sequence[str]) -> str | None:
    """Who consented: by the ID token (OpenID Connect Core §2), else by the access
    token. For people to read alone, since neither is verified here."""
    row = _object(answer.body) or {}
    for name in ("id_token", "access_token"):
        token = row.get(name)
        claims = _claims(token) if isinstance(token, str) else {}
        for claim in _ACCOUNT:
            value = claims.get(claim)
            if isinstance(value, str) and value.strip():
                return _one_line(value, secrets, _CLAIM)
    return None


def given(access: Secret, *, kept: bool) -> Token:
    """A ready token with what can be read from it."""
    claims = _claims(access.reveal())
    return Token(
        access=access,
        expires_at=_expiry(claims),
        claims=_shown(claims, (access.reveal(),)),
        kept=kept,
    )


def _token(
    row: dict[str, Any], access: str, secrets: Sequence[str], now: datetime
) -> Token:
    claims = _claims(access)
    refresh, scope = row.get("refresh_token"), row.get("scope")
    life = _life(row.get("expires_in"))
    hidden = (*secrets, access, *([refresh] if isinstance(refresh, str) else ()))
    return Token(
        access=Secret(access),
        expires_at=now + life if life else _expiry(claims),
        scope=_one_line(scope, hidden, _CLAIM) if isinstance(scope, str) else None,
        refresh_token=Secret(refresh) if isinstance(refresh, str) and refresh else None,
        claims=_shown(claims, hidden),
    )


def _refusal(
    answer: HttpAnswer, row: dict[str, Any], secrets: Sequence[str]
) -> TokenRefusal:
    """`invalid_client: AADSTS7000215: Invalid client secret provided. (HTTP 401)`."""
    error: Any = row.get("error")
    told = row.get("error_description")
    if isinstance(error, dict):  # Google's other interfaces: {"error": {"status": …}}
        error, told = error.get("status"), error.get("message")
    if not isinstance(error, str):
        return _odd(answer, "JSON without an error of OAuth")
    words = _one_line(error, secrets, 80)
    if isinstance(told, str) and told.strip():
        words = f"{words}: {_one_line(told, secrets, _WORDS)}"
    return TokenRefusal(
        kind=FailureKind.REPLY,
        words=f"{words} (HTTP {answer.status})",
        status=answer.status,
        exception=EXCEPTION,
    )


def _odd(answer: HttpAnswer, what: str) -> TokenRefusal:
    return TokenRefusal(
        kind=FailureKind.PROTOCOL,
        words=f"The token end point answered HTTP {answer.status} and {what}.",
        status=answer.status,
        exception=EXCEPTION,
    )


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        row = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return row if isinstance(row, dict) else None


def _life(value: object) -> timedelta | None:
    """None for what is no sane number of seconds; some send it as text."""
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,9}", value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if not math.isfinite(value) or not 0 < value <= _LONGEST_LIFE.total_seconds():
        return None
    return timedelta(seconds=value)


def _claims(access: str) -> dict[str, Any]:
    """The middle of a JWT (RFC 7519 §3); empty for what is none. Not verified."""
    parts = access.split(".")
    if len(parts) != 3:
        return {}
    try:
        raw = base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))
    except ValueError:
        return {}
    return _object(raw) or {}


def _expiry(claims: dict[str, Any]) -> datetime | None:
    value = claims.get("exp")
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _shown(
    claims: dict[str, Any], secrets: Sequence[str]
) -> tuple[tuple[str, str], ...]:
    found: dict[str, str] = {}
    for claim, name in _CLAIMS.items():
        value = claims.get(claim)
        texts = value if isinstance(value, list) else [value]
        text = " ".join(each for each in texts if isinstance(each, str))
        if text and name not in found:
            found[name] = _one_line(text, secrets, _CLAIM)
    return tuple(found.items())


def _one_line(text: str, secrets: Sequence[str], most: int) -> str:
    line = " ".join(clean(text, secrets).split())
    return line if len(line) <= most else f"{line[: most - 1]}…"
