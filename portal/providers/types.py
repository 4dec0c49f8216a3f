"""What the catalogue knows of a provider: settings, words and limits."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from portal.providers.dns import DkimFacts, ReturnPathFacts, SpfFacts

Kind = Literal["transactional", "mailbox", "relay", "local_test"]
Security = Literal["starttls", "tls", "none"]
Grant = Literal["client_credentials", "refresh_token", "jwt_bearer"]
AuthMethod = Literal["password", "api_key", "oauth2", "client_cert", "none"]
RuleKind = Literal[
    "auth", "from", "rate", "tls", "ip", "trial", "size", "policy", "connect"
]
Confidence = Literal["high", "medium", "low"]
# A limit that is a number, of recipients or of messages; a pace counts recipients.
_USUAL_CONNECTIONS = 4  # a sender opens no more unless somebody asks for more
_FOR_ALL = re.compile(r"(\d+)(?: recipients| messages)?(?: by default)?")


class BadFile(ValueError):
    """The file says something that the catalogue does not understand; in a clause."""


class Group(StrEnum):
    """Where its card stands when somebody is asked where their mail goes."""

    ORGANISATION = "organisation"
    SERVICES = "services"
    OTHER = "other"


class UsernameRule(StrEnum):
    """What the user name is at this provider."""

    LITERAL = "literal"  # always the same word: `username_value`
    EMAIL = "email"  # the address of the mailbox
    SERVER_TOKEN = "server_token"  # noqa: S105, the same as the secret: asked once
    SMTP_CREDENTIAL = "smtp_credential"  # a name made for SMTP in its console
    ACCOUNT_LOGIN = "account_login"
    API_KEY = "api_key"  # the public half of a pair of keys
    PROJECT_ID = "project_id"
    ANY = "any"
    NONE = "none"  # nobody signs in


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """A host, or a pattern with `{…}` that the tenant fills in."""

    host: str
    region: str | None = None
    label: str | None = None

    @property
    def is_pattern(self) -> bool:
        return "{" in self.host


@dataclass(frozen=True, slots=True, kw_only=True)
class PortChoice:
    port: int
    security: Security
    recommended: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """As documented; a number where it is one, else the provider's rule in words."""

    per_second: str | None = None
    per_minute: str | None = None
    per_hour: str | None = None
    per_day: str | None = None
    per_month: str | None = None
    recipients_per_message: int | None = None
    message_size_mb: int | None = None
    connections: int | None = None
    messages_per_connection: int | None = None
    notes: str | None = None

    @property
    def pacing(self) -> Mapping[str, int]:
        """The pace that keeps to them, where one number holds for every account."""
        few = self.connections is not None and self.connections < _USUAL_CONNECTIONS
        found = {"max_connections": self.connections or 1} if few else {}
        for name in ("per_minute", "per_hour", "per_day"):
            number = _FOR_ALL.fullmatch(getattr(self, name) or "")
            if number:
                found[name] = int(number[1])
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class AllowList:
    """How this portal's address is allowed in the provider's console."""

    steps: tuple[str, ...]
    required: bool = False
    notes: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cloud:
    """The same service in a national cloud: other addresses, nothing shared."""

    name: str
    host: str
    token_url: str
    authorize_url: str
    scopes: Mapping[Grant, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuthFacts:
    """How this provider gives out tokens; `{tenant}` in an address is the customer's
    own directory. `authorize_with` are further parameters of the consent page,
    `steps` what an administrator does before the first token, for each grant."""

    token_url: str
    grants: tuple[Grant, ...]  # the preferred first
    scopes: Mapping[Grant, str]
    authorize_url: str | None = None
    authorize_with: Mapping[str, str] = field(default_factory=dict)
    sasl: Literal["XOAUTH2", "OAUTHBEARER"] = "XOAUTH2"
    user_hint: str | None = None
    steps: Mapping[Grant, tuple[str, ...]] = field(default_factory=dict)
    clouds: tuple[Cloud, ...] = ()
    notes: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One wording of its replies, as a regular expression, and what it means."""

    match: str
    meaning: str
    kind: RuleKind
    code: int | None = None
    enhanced: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """One file of the catalogue. Words are ours; limits, console paths and the
    wording of replies age fastest, and `confidence` says how sure each part is."""

    id: str
    name: str
    kind: Kind
    group: Group
    rank: int  # order within the group
    card_line: str
    featured: bool = False  # shown before "all"
    aliases: tuple[str, ...] = ()
    shown_host: str | None = None  # on the card, where no one host is right
    host_template: str | None = None
    hosts: tuple[Host, ...] = ()
    more_regions: tuple[str, ...] = ()
    ports: tuple[PortChoice, ...] = ()
    auth_methods: tuple[AuthMethod, ...] = ()  # the preferred first
    mechanisms: tuple[str, ...] = ()
    auth_notes: str | None = None
    tls_required: bool = False
    min_tls: str | None = None
    oauth: OAuthFacts | None = None
    username_rule: UsernameRule = UsernameRule.ANY
    username_value: str | None = None
    username_label: str = "User name"
    username_hint: str | None = None
    username_pattern: str | None = None
    username_optional: bool = False
    secret_label: str = "Password"  # noqa: S105, a label
    secret_hint: str | None = None
    secret_pattern: str | None = None  # for a note, never a refusal
    secret_prefix: str | None = None
    from_verify: str = "none"
    from_hint: str | None = None
    from_notes: str | None = None
    spf: SpfFacts | None = None
    dkim: DkimFacts | None = None
    return_path: ReturnPathFacts | None = None
    limits: Limits = Limits()
    allow_list: AllowList | None = None
    trial: str | None = None
    notes: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()
    docs: tuple[str, ...] = ()
    confidence: Mapping[str, Confidence]

    @property
    def regions(self) -> tuple[str, ...]:
        named = [each.region for each in self.hosts if each.region]
        return tuple(dict.fromkeys([*named, *self.more_regions]))

    @property
    def card_host(self) -> str:
        """The host as its card shows it."""
        if self.shown_host:
            return self.shown_host
        return next((each.host for each in self.hosts if not each.is_pattern), "")

    def host_in(self, region: str | None) -> str | None:
        """The host of this region, or the usual one; None where it must be typed."""
        for each in self.hosts:
            if not each.is_pattern and region in (None, each.region):
                return each.host
        if region in self.more_regions and self.host_template:
            return self.host_template.replace("{region}", region)
        return None

    def host_beneath(self, domain: str) -> str | None:
        """The host of the region that the domain itself is, or the usual one."""
        beneath = (each.host for each in self.hosts if each.host.endswith(f".{domain}"))
        return next(beneath, None) or self.host_in(None)

    @property
    def has_hosts(self) -> bool:
        """Whether its relays are known; else they are the tenant's own."""
        return bool(self.hosts or self.host_template)

    def is_unsure(self, part: str) -> bool:
        """Documented, and may differ by now: say so where it is shown."""
        return self.confidence.get(part) == "low"

    @property
    def recommended(self) -> PortChoice | None:
        return next((each for each in self.ports if each.recommended), None)
