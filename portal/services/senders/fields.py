"""The fields of a sender (DESIGN §2.4) as one value, and how a version keeps them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any

from portal.delivery.types import Auth, Security
from portal.secret import Secret

SANDBOX = "sandbox"
SECRETS = ("password",)
# A stored secret goes only where it was meant to go: who changes one of these
# types the secret again (RELIABILITY §3.5).
BOUND_TO = ("host", "port", "username", "security", "ca")
# What a live test proves nothing about.
UNTESTED = frozenset(
    ("name", "region", "relay_ips", "dkim", "pacing", "on_lost_reply", "allowed_from")
)


class OnLostReply(StrEnum):
    """What becomes of a mail whose final dot was not answered (RELIABILITY §2.4)."""

    RETRY = "retry"
    HOLD = "hold"


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
class SenderFields:
    """A valid sender. Addresses and hosts are in their strict, stored form.

    `host` and `port` are None for the sandbox alone. `username` is empty where
    the provider takes the secret as user name. `password` is None where there is
    none, or where the stored one stays.
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
    password: Secret | None = field(default=None, repr=False)
    ca: str | None = None
    ehlo_name: str | None = None
    local_address: str | None = None
    relay_ips: tuple[str, ...] = ()
    from_name: str = ""
    reply_to_name: str = ""
    reply_to_address: str | None = None
    mail_from: str | None = None
    allowed_from: tuple[str, ...] = ()
    dkim: Dkim = Dkim()
    on_lost_reply: OnLostReply = OnLostReply.RETRY
    pacing: Pacing = Pacing()

    @property
    def is_sandbox(self) -> bool:
        return self.provider == SANDBOX

    @property
    def needs_secret(self) -> bool:
        return self.auth is not Auth.NONE

    def secrets(self) -> dict[str, Secret]:
        return {"password": self.password} if self.password else {}

    def settings(self) -> dict[str, Any]:
        """Everything but the secrets, ready for JSON."""
        return {
            each.name: _plain(getattr(self, each.name))
            for each in fields(self)
            if each.name not in SECRETS
        }


def stored_fields(
    settings: Mapping[str, Any], *, password: Secret | None = None
) -> SenderFields:
    """The fields of a saved version; what an older version lacks has its default."""
    known = {each.name for each in fields(SenderFields)}
    values = {name: value for name, value in settings.items() if name in known}
    values["security"] = Security(settings["security"])
    values["auth"] = Auth(settings["auth"])
    for name in ("relay_ips", "allowed_from"):
        values[name] = tuple(settings.get(name) or ())
    dkim = settings.get("dkim") or {}
    values["dkim"] = Dkim(**{**dkim, "selectors": tuple(dkim.get("selectors") or ())})
    values["on_lost_reply"] = OnLostReply(settings.get("on_lost_reply") or "retry")
    values["pacing"] = Pacing(**(settings.get("pacing") or {}))
    return SenderFields(**values, password=password)


def changed_names(before: SenderFields | None, after: SenderFields) -> list[str]:
    """Names of the settings that differ; a secret is named when it is given."""
    old = before.settings() if before else {}
    names = [name for name, value in after.settings().items() if old.get(name) != value]
    if before is None:
        empty: tuple[object, ...] = (None, "", [], {})
        names = [name for name in names if after.settings()[name] not in empty]
    return [*names, *after.secrets()]


def _plain(value: Any) -> Any:
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, Pacing | Dkim):
        return {each.name: _plain(getattr(value, each.name)) for each in fields(value)}
    return value
