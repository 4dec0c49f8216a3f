"""Quiet sentences while somebody types: what looks odd, and is never refused."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from portal.errors import FieldError
from portal.providers import mailboxes
from portal.providers.types import Provider, UsernameRule
from portal.services import usernames
from portal.services.senders.fields import CLIENT_SECRET, PASSWORD, REFRESH_TOKEN

TYPED_BY_HAND = (PASSWORD, CLIENT_SECRET, REFRESH_TOKEN)
_WITH_PASSWORD = ("password", "api_key")
_SIGNS_IN_AS_ITSELF = ("password", "api_key", "oauth2")


@dataclass(frozen=True, slots=True, kw_only=True)
class TypedSoFar:
    """As it stands in the form, finished or not; `secrets` are those just typed."""

    host: str = ""
    auth: str = ""
    username: str = ""
    from_address: str = ""
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)


def typed_notes(typed: TypedSoFar, provider: Provider | None) -> tuple[FieldError, ...]:
    """One sentence a field at most, the weightiest first."""
    found: dict[str, str] = {}
    for name, sentence in (
        *_of_username(typed, provider),
        *_of_secrets(typed, provider),
        *_of_from(typed, provider),
    ):
        found.setdefault(name, sentence)
    return tuple(FieldError(name, sentence) for name, sentence in found.items())


def _of_username(
    typed: TypedSoFar, provider: Provider | None
) -> Iterator[tuple[str, str]]:
    name = typed.username
    if name != name.strip():
        yield "username", "It begins or ends with a blank."
    unlike = usernames.unlike(name.strip(), provider)
    if typed.auth in _WITH_PASSWORD and unlike:
        yield "username", unlike


def _of_secrets(
    typed: TypedSoFar, provider: Provider | None
) -> Iterator[tuple[str, str]]:
    for name in TYPED_BY_HAND:
        secret = typed.secrets.get(name, "")
        if "\n" in secret or "\r" in secret:
            yield name, "It holds a line break, pasted along perhaps; kept as typed."
        if secret != secret.strip():
            yield name, "It begins or ends with a blank; kept as typed."
    secret = typed.secrets.get(PASSWORD, "")
    pattern = provider.secret_pattern if provider else None
    if secret and provider and pattern and not re.search(pattern, secret):
        yield (
            PASSWORD,
            f"This does not look like what {provider.name} gives out. Kept as typed.",
        )
    if secret and secret == typed.username and not _is_token(provider):
        yield PASSWORD, "This is the user name once more. Kept as typed."


def _of_from(typed: TypedSoFar, provider: Provider | None) -> Iterator[tuple[str, str]]:
    address = typed.from_address.strip()
    domain = address.rpartition("@")[2].lower()
    if not usernames.is_mailbox(address):
        return
    if mailboxes.is_freemail(domain) and not _is_at_home(typed, provider, domain):
        yield (
            "from_address",
            f"Anybody may have an address at {domain}, and its own relays alone may"
            " send for it: through another one, such mail is refused or marked as"
            " spam. Use an address of a domain of yours.",
        )
    elif _is_other_mailbox(typed, provider, address):
        who = provider.name if provider else "The relay"
        yield (
            "from_address",
            f"{who} knows {typed.username} by its sign-in: another From address needs"
            " a right or an alias there.",
        )


def _is_at_home(typed: TypedSoFar, provider: Provider | None, domain: str) -> bool:
    """Through its own provider, or a relay whose host is beneath the domain."""
    home = mailboxes.home_of(domain)
    host = typed.host.strip().lower()
    own = host == domain or host.endswith(f".{domain}")
    return own or (provider is not None and provider.id == home)


def _is_other_mailbox(
    typed: TypedSoFar, provider: Provider | None, address: str
) -> bool:
    """A mailbox signs in and another one sends. Without a rule of the provider only
    that much is known of a server of one's own: nothing."""
    if provider is None or provider.from_verify != "mailbox":
        return False
    by_mailbox = provider.username_rule is UsernameRule.EMAIL
    signs_in = typed.auth in _SIGNS_IN_AS_ITSELF and by_mailbox
    user = typed.username.strip().lower()
    return signs_in and usernames.is_mailbox(user) and user != address.lower()


def _is_token(provider: Provider | None) -> bool:
    """A server token is its own user name."""
    return provider is not None and provider.username_rule is UsernameRule.SERVER_TOKEN
