"""Which secrets a sender signs in with, and where each stored one may go.

A stored secret goes only where it was meant to go: who changes one of the fields
that it is bound to types it again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from portal.delivery.grants import Grant
from portal.delivery.types import Auth
from portal.services.senders.fields import (
    CLIENT_KEY,
    CLIENT_SECRET,
    PASSWORD,
    REFRESH_TOKEN,
    SERVICE_ACCOUNT,
    SIGNING_KEY,
    SenderFields,
)

_RELAY = ("host", "port", "username", "security", "ca")
# An access token that a stored secret is exchanged for goes to the relay, so that
# these are bound to it as well.
_TOKENS = ("oauth.token_url", "oauth.client_id", *_RELAY)
BOUND_TO: Mapping[str, tuple[str, ...]] = {
    PASSWORD: _RELAY,
    CLIENT_SECRET: _TOKENS,
    REFRESH_TOKEN: _TOKENS,
    SERVICE_ACCOUNT: _TOKENS,
    CLIENT_KEY: ("client_cert",),
    SIGNING_KEY: (
        "dkim_signing.domain",
        "dkim_signing.selector",
        "dkim_signing.algorithm",
    ),
}
# What a secret is bound to that was typed for a test of this very session.
LENT_TO: Mapping[str, tuple[str, ...]] = {
    **BOUND_TO,
    PASSWORD: ("host", "ca"),
    **dict.fromkeys(
        (CLIENT_SECRET, REFRESH_TOKEN, SERVICE_ACCOUNT),
        ("oauth.token_url", "oauth.client_id", "host", "ca"),
    ),
}
_OF_GRANT = {
    Grant.CLIENT_CREDENTIALS: CLIENT_SECRET,
    Grant.REFRESH_TOKEN: REFRESH_TOKEN,
    Grant.JWT_BEARER: SERVICE_ACCOUNT,
}


def main_secret(fields: SenderFields) -> str | None:
    """The secret that this way of signing in stands on; None without one."""
    if fields.auth in (Auth.PASSWORD, Auth.API_KEY):
        return PASSWORD
    if fields.auth is Auth.CLIENT_CERT:
        return CLIENT_KEY
    if fields.auth is Auth.OAUTH2 and fields.oauth:
        return _OF_GRANT[fields.oauth.grant]
    return None


def needed(fields: SenderFields) -> tuple[str, ...]:
    """Secrets without which it cannot sign in."""
    main = main_secret(fields)
    found = [main] if main else []
    if fields.client_cert and main != CLIENT_KEY:
        found.append(CLIENT_KEY)
    return tuple(found)


def possible(fields: SenderFields) -> tuple[str, ...]:
    """Secrets that a version with these fields may have: all others are dropped."""
    found = list(needed(fields))
    if fields.oauth and fields.oauth.grant is Grant.REFRESH_TOKEN:
        found.append(CLIENT_SECRET)  # a public client has none (RFC 6749 §2.1)
    if fields.dkim_signing:
        found.append(SIGNING_KEY)
    return tuple(found)


def moved(name: str, after: SenderFields, before: SenderFields) -> list[str]:
    """What changed of that to which this secret is bound."""
    return [
        bound
        for bound in BOUND_TO[name]
        if value_of(after, bound) != value_of(before, bound)
    ]


def kept(
    fields: SenderFields, before: SenderFields, stored: Iterable[str]
) -> frozenset[str]:
    """The stored secrets that go on: none is typed, and nothing moved."""
    return frozenset(
        name
        for name in possible(fields)
        if name in stored
        and name not in fields.secrets
        and not moved(name, fields, before)
    )


def value_of(fields: SenderFields, name: str) -> Any:
    """The value of `port`, or of `oauth.token_url`; None where there is no such."""
    outer, _, inner = name.partition(".")
    value = getattr(fields, outer)
    return getattr(value, inner) if inner and value is not None else value
