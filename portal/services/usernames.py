"""What a user name looks like at a provider, and how else one could be meant."""

from __future__ import annotations

import re

from portal.address import BadAddress, parse_mailbox
from portal.providers.types import Provider, UsernameRule

_ANY = frozenset(
    {
        UsernameRule.ANY,
        UsernameRule.ACCOUNT_LOGIN,
        UsernameRule.SMTP_CREDENTIAL,
        UsernameRule.API_KEY,
        UsernameRule.PROJECT_ID,
    }
)


def unlike(username: str, provider: Provider | None) -> str | None:
    """Why this is hardly a user name of this provider, in a sentence; else None."""
    if provider is None or not username:
        return None
    if provider.username_rule is UsernameRule.LITERAL:
        wanted = provider.username_value
        if wanted and username != wanted:
            return f"With {provider.name} the user name is always “{wanted}”."
        return None
    if provider.username_rule is UsernameRule.EMAIL and not is_mailbox(username):
        return f"With {provider.name} the user name is the whole address."
    pattern = provider.username_pattern
    if pattern and not re.search(pattern, username):
        return f"User names of {provider.name} look different."
    return None


def other_forms(
    username: str, provider: Provider | None, from_address: str
) -> tuple[str, ...]:
    """How else it may be meant: the word of the provider, the whole address, or
    what stands before its “@”. The likeliest first."""
    rule = provider.username_rule if provider else UsernameRule.ANY
    if provider and rule is UsernameRule.LITERAL:
        found = [provider.username_value or ""]
    elif rule is UsernameRule.EMAIL:
        found = [] if is_mailbox(username) else [_whole(username, from_address)]
    elif rule in _ANY and provider_is_open(provider):
        local = username.partition("@")[0]
        found = [local] if is_mailbox(username) else [_whole(username, from_address)]
    else:
        found = []
    return tuple(each for each in found if each and each != username)


def is_mailbox(text: str) -> bool:
    try:
        parse_mailbox(text)
    except BadAddress:
        return False
    return True


def provider_is_open(provider: Provider | None) -> bool:
    """One's own server, of which the catalogue cannot know more."""
    return provider is None or provider.kind == "relay" or provider.id == "generic_smtp"


def _whole(username: str, from_address: str) -> str:
    whole = f"{username}@{from_address.rpartition('@')[2]}"
    return whole if is_mailbox(whole) else ""
