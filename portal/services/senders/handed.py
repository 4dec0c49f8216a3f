"""Which fields of a sender somebody else can be asked for."""

from __future__ import annotations

from collections.abc import Iterable

from portal.delivery.grants import Grant
from portal.delivery.types import Auth
from portal.errors import Invalid
from portal.providers.types import Provider, UsernameRule
from portal.services.senders.fields import (
    CLIENT_SECRET,
    PASSWORD,
    SERVICE_ACCOUNT,
    SenderFields,
)

HOST, USERNAME, SECRET = "host", "username", "secret"
OPENS = (HOST, USERNAME, SECRET)
CERTIFICATE = ("client_cert_file", "client_key_file", "client_passphrase")
# May be left empty: one file can hold both, and a key need not be locked.
OPTIONAL = frozenset(("client_key_file", "client_passphrase"))
_OWN_NAME = (UsernameRule.LITERAL, UsernameRule.SERVER_TOKEN, UsernameRule.NONE)


def possible(fields: SenderFields, provider: Provider) -> tuple[str, ...]:
    """What an admin may leave open for this way of signing in."""
    if fields.is_sandbox:
        return ()
    if fields.auth is Auth.NONE:
        return (HOST,)
    if fields.auth is Auth.CLIENT_CERT or provider.username_rule in _OWN_NAME:
        return (HOST, SECRET)
    return OPENS


def opened(
    fields: SenderFields, provider: Provider, chosen: Iterable[str]
) -> tuple[str, ...]:
    """The chosen ones in their order. Raises Invalid.

    With host or user name goes the secret: a stored one goes only where it was
    meant to go.
    """
    may, wishes = possible(fields, provider), set(chosen)
    if SECRET in may and wishes:
        wishes.add(SECRET)
    found = tuple(name for name in may if name in wishes)
    if not found:
        raise Invalid("opens", "Leave at least one field open.")
    return found


def asked(
    fields: SenderFields, provider: Provider, opens: Iterable[str]
) -> tuple[str, ...]:
    """The names of the fields to give, those of a sender and of its uploads."""
    left = [name for name in possible(fields, provider) if name in set(opens)]
    found = [HOST] if HOST in left else []
    if USERNAME in left and fields.oauth is None:
        found.append(USERNAME)
    if fields.oauth:
        found += _of_oauth(fields, named=USERNAME in left)
    if SECRET in left:
        found += _secrets(fields)
    return tuple(found)


def wanted(names: Iterable[str]) -> tuple[str, ...]:
    """Those without which nothing is given."""
    return tuple(name for name in names if name not in OPTIONAL)


def _of_oauth(fields: SenderFields, *, named: bool) -> list[str]:
    own = fields.oauth
    if own is None:
        return []
    found = [] if own.token_url else ["oauth.token_url"]
    if named and own.grant is not Grant.JWT_BEARER:
        found.append("oauth.client_id")
    return found


def _secrets(fields: SenderFields) -> tuple[str, ...]:
    if fields.oauth:
        by_file = fields.oauth.grant is Grant.JWT_BEARER
        return (SERVICE_ACCOUNT if by_file else CLIENT_SECRET,)
    if fields.auth is Auth.CLIENT_CERT:
        return CERTIFICATE
    return (PASSWORD,)
