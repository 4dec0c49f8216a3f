"""The fields of a sender as one value, and how a version keeps them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any

from portal.delivery.grants import Grant
from portal.delivery.types import Auth, Security
from portal.secret import Secret

SANDBOX = "sandbox"
PASSWORD = "password"  # noqa: S105, the name of a field
CLIENT_SECRET = "oauth.client_secret"  # noqa: S105, and so are these
REFRESH_TOKEN = "oauth.refresh_token"  # noqa: S105
SERVICE_ACCOUNT = "oauth.service_account"
CLIENT_KEY = "client_key"
SIGNING_KEY = "dkim_signing.key"
# Kept sealed and apart from the settings, under these names.
SECRETS = (
    PASSWORD,
    CLIENT_SECRET,
    REFRESH_TOKEN,
    SERVICE_ACCOUNT,
    CLIENT_KEY,
    SIGNING_KEY,
)
# What a live test proves nothing about.
UNTESTED = frozenset(
    (
        "name",
        "region",
        "relay_ips",
        "blocklists",
        "dkim",
        "dkim_signing",
        "pacing",
        "on_lost_reply",
        "fallback_after",
        "allowed_from",
    )
)


class OnLostReply(StrEnum):
    """What becomes of a mail whose final dot was not answered."""

    RETRY = "retry"
    HOLD = "hold"


class SigningAlgorithm(StrEnum):
    RSA = "rsa"  # 2,048 bits
    ED25519 = "ed25519"  # RFC 8463


@dataclass(frozen=True, slots=True, kw_only=True)
class Pacing:
    max_connections: int = 4
    per_minute: int | None = None
    per_hour: int | None = None
    per_day: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Dkim:
    """What the deliverability report should look for; the provider signs."""

    selectors: tuple[str, ...] = ()
    signing_domain: str | None = None
    return_path: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DkimSigning:
    """A signature of our own, for relays that add none; its key is a secret."""

    domain: str
    selector: str
    algorithm: SigningAlgorithm = SigningAlgorithm.RSA


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuthFields:
    """How access tokens are asked for, without the secrets that go along.

    `authorize_url` is where a person consents; None where nobody has to.
    """

    grant: Grant
    token_url: str
    client_id: str = ""
    scope: str = ""
    subject: str | None = None
    authorize_url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SenderFields:
    """A valid sender. Addresses and hosts are in their strict, stored form.

    `host` and `port` are None for the sandbox alone. `username` is empty where
    the provider takes the secret as user name, and where it is the From address
    (OAuth 2.0). `relay_ips` are where an own relay sends from, `blocklists` the lists
    that are asked about them. `secrets` are those of SECRETS that were typed or lent: what is
    not there stays as it is stored.
    """

    name: str
    provider: str
    security: Security
    auth: Auth
    from_address: str
    region: str | None = None
    host: str | None = None
    port: int | None = None
    mechanism: str | None = None
    username: str = ""
    oauth: OAuthFields | None = None
    client_cert: str | None = None
    ca: str | None = None
    ehlo_name: str | None = None
    local_address: str | None = None
    relay_ips: tuple[str, ...] = ()
    blocklists: tuple[str, ...] = ()
    from_name: str = ""
    reply_to_name: str = ""
    reply_to_address: str | None = None
    mail_from: str | None = None
    allowed_from: tuple[str, ...] = ()
    dkim: Dkim = Dkim()
    dkim_signing: DkimSigning | None = None
    on_lost_reply: OnLostReply = OnLostReply.RETRY
    pacing: Pacing = Pacing()
    fallback_after: int | None = None
    secrets: Mapping[str, Secret] = field(default_factory=dict, repr=False)

    @property
    def is_sandbox(self) -> bool:
        return self.provider == SANDBOX

    @property
    def needs_secret(self) -> bool:
        """Whether it signs in with something that only few may know."""
        return self.auth is not Auth.NONE

    @property
    def password(self) -> Secret | None:
        return self.secrets.get(PASSWORD)

    @property
    def mailbox(self) -> str:
        """Whose mailbox an access token is for (XOAUTH2's user)."""
        return self.username or self.from_address

    def settings(self) -> dict[str, Any]:
        """Everything but the secrets, ready for JSON."""
        return {
            each.name: _plain(getattr(self, each.name))
            for each in fields(self)
            if each.name != "secrets"
        }


def stored_fields(
    settings: Mapping[str, Any], *, secrets: Mapping[str, Secret] | None = None
) -> SenderFields:
    """The fields of a saved version; what an older version lacks has its default."""
    known = {each.name for each in fields(SenderFields)} - {"secrets"}
    values = {name: value for name, value in settings.items() if name in known}
    values["security"] = Security(settings["security"])
    values["auth"] = Auth(settings["auth"])
    for name in ("relay_ips", "blocklists", "allowed_from"):
        values[name] = tuple(settings.get(name) or ())
    dkim = settings.get("dkim") or {}
    values["dkim"] = Dkim(**{**dkim, "selectors": tuple(dkim.get("selectors") or ())})
    values["dkim_signing"] = _stored_signing(settings.get("dkim_signing"))
    values["oauth"] = _stored_oauth(settings.get("oauth"))
    values["on_lost_reply"] = OnLostReply(settings.get("on_lost_reply") or "retry")
    values["pacing"] = Pacing(**(settings.get("pacing") or {}))
    return SenderFields(**values, secrets=secrets or {})


def changed_names(before: SenderFields | None, after: SenderFields) -> list[str]:
    """Names of the settings that differ; a secret is named when it is given."""
    old = before.settings() if before else {}
    names = [name for name, value in after.settings().items() if old.get(name) != value]
    if before is None:
        empty: tuple[object, ...] = (None, "", [], {})
        names = [name for name in names if after.settings()[name] not in empty]
    return [*names, *after.secrets]


def _stored_oauth(stored: Mapping[str, Any] | None) -> OAuthFields | None:
    return (
        OAuthFields(**{**stored, "grant": Grant(stored["grant"])}) if stored else None
    )


def _stored_signing(stored: Mapping[str, Any] | None) -> DkimSigning | None:
    if not stored:
        return None
    return DkimSigning(**{**stored, "algorithm": SigningAlgorithm(stored["algorithm"])})


def _plain(value: Any) -> Any:
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, Pacing | Dkim | DkimSigning | OAuthFields):
        return {each.name: _plain(getattr(value, each.name)) for each in fields(value)}
    return value
