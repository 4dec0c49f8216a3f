"""What a version still waits for: somebody else has it, and hands it over later."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from portal.delivery.grants import Grant
from portal.delivery.types import Auth
from portal.errors import FieldError, Invalid
from portal.providers.types import Provider, UsernameRule
from portal.services.senders.fields import OAuthFields, SenderFields
from portal.services.senders.inputs import nested
from portal.services.senders.keeping import needed
from portal.store.models import SenderVersion

_NO_NAME = (UsernameRule.SERVER_TOKEN, UsernameRule.NONE)


def awaited(
    fields: SenderFields, secrets: Collection[str], provider: Provider | None
) -> tuple[str, ...]:
    """The fields without which it cannot sign in and which are not there yet."""
    return tuple(_awaited(fields, secrets, provider))


def forgiven(
    errors: list[FieldError], values: Mapping[str, object], waits: Collection[str]
) -> list[FieldError]:
    """The errors that stay when what is missing may come later. A value that was
    typed is judged as ever, but for a gap that the provider's preset left."""
    given = nested(values)
    return [
        each
        for each in errors
        if each.field not in waits or not _is_open(given, each.field)
    ]


def require_whole(
    version: SenderVersion,
    fields: SenderFields,
    secrets: Collection[str],
    provider: Provider | None,
) -> None:
    """Before it carries mail. Raises Invalid."""
    waits = awaited(fields, secrets, provider)
    if waits:
        raise Invalid(
            waits[0],
            f"Version {version.number} waits for what it signs in with. Type it, or"
            " hand it over, then test it.",
        )


def _awaited(
    fields: SenderFields, secrets: Collection[str], provider: Provider | None
) -> Iterator[str]:
    rule = provider.username_rule if provider else UsernameRule.ANY
    by_password = fields.auth in (Auth.PASSWORD, Auth.API_KEY)
    if by_password and not fields.username and rule not in _NO_NAME:
        yield "username"
    if fields.oauth:
        yield from _of_oauth(fields.oauth)
    if fields.auth is Auth.CLIENT_CERT and not fields.client_cert:
        yield "client_cert"
    for name in needed(fields):
        if name not in secrets:
            yield name


def _of_oauth(oauth: OAuthFields) -> Iterator[str]:
    if not oauth.token_url:
        yield "oauth.token_url"
    if not oauth.client_id and oauth.grant is not Grant.JWT_BEARER:
        yield "oauth.client_id"
    if not oauth.authorize_url and oauth.grant is Grant.REFRESH_TOKEN:
        yield "oauth.authorize_url"


def _is_open(given: Mapping[str, object], name: str) -> bool:
    outer, _, inner = name.partition(".")
    value = given.get(outer)
    if inner:
        value = value.get(inner) if isinstance(value, Mapping) else None
    return not value or (isinstance(value, str) and "{" in value)
