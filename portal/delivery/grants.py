"""How a sender comes by access tokens (RFC 6749): the settings of OAuth 2.0."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from portal.secret import Secret


class Grant(StrEnum):
    CLIENT_CREDENTIALS = "client_credentials"  # RFC 6749 §4.4
    REFRESH_TOKEN = "refresh_token"  # noqa: S105, RFC 6749 §6
    JWT_BEARER = "jwt_bearer"  # RFC 7523 §2.1: a service account's signed JWT


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuth:
    """What the token end point is asked with.

    `service_account` is Google's JSON key file as text, `subject` the mailbox that
    it acts for; both belong to `jwt_bearer` alone.
    """

    grant: Grant
    token_url: str
    client_id: str = ""
    client_secret: Secret | None = field(default=None, repr=False)
    scope: str = ""
    refresh_token: Secret | None = field(default=None, repr=False)
    service_account: Secret | None = field(default=None, repr=False)
    subject: str | None = None
