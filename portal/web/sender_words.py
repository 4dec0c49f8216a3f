"""How senders are put into words: states, changes, ways to sign in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from portal.providers.types import Host, Provider
from portal.services.senders import Change, LeftBehind, SenderView, VersionView
from portal.services.senders.fields import SECRETS
from portal.services.senders.sealing import Stamp
from portal.web import words

SECURITY = {"starttls": "STARTTLS", "tls": "TLS from the start", "none": "None"}
OWN = "generic_smtp"  # a server nobody described takes whatever it takes
CONNECTIONS = "Of each process that sends. Empty: 4."
PACE = "A mail to three counts three. Beyond it mail waits. Empty: no limit."
_AUTH = {
    "password": "Password",
    "api_key": "API key",
    "oauth2": "OAuth 2.0",
    "client_cert": "Certificate",
    "none": "Allowed IP",
}
_LENT = {
    "oauth.refresh_token": "Use the one just granted or typed",
    "client_key": "Use the ones uploaded before",
}
_FIELDS = {
    "name": "name",
    "provider": "provider",
    "region": "region",
    "host": "host",
    "port": "port",
    "security": "encryption",
    "auth": "signing in",
    "mechanism": "mechanism",
    "username": "user name",
    "password": "secret",
    "oauth": "OAuth 2.0",
    "oauth.client_secret": "client secret",
    "oauth.refresh_token": "refresh token",
    "oauth.service_account": "key of the service account",
    "client_cert": "certificate",
    "client_key": "key of the certificate",
    "dkim_signing": "DKIM signature",
    "dkim_signing.key": "DKIM key",
    "fallback_after": "fallback",
    "ca": "own authority",
    "ehlo_name": "EHLO name",
    "local_address": "local address",
    "relay_ips": "relay addresses",
    "blocklists": "block lists",
    "from_name": "From name",
    "from_address": "From address",
    "reply_to_name": "Reply-To name",
    "reply_to_address": "Reply-To address",
    "mail_from": "reverse-path",
    "allowed_from": "other From addresses",
    "dkim": "DKIM and return path to check",
    "on_lost_reply": "lost answers",
    "pacing": "pace",
}
_VERIFIED = {
    "domain": "Its domain must be verified first",
    "domain_or_address": "The address or its domain must be verified first",
    "mailbox": "Who signs in must be allowed to send as it",
    "permission": "Who signs in must be allowed to send as it",
    "server_policy": "The server must let us send as it",
}
_QUIET = frozenset(
    (
        "ca",
        "allowed_from",
        "dkim",
        "dkim_signing",
        "relay_ips",
        "blocklists",
        "pacing",
        "oauth",
        "client_cert",
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A sender in the list."""

    id: str
    name: str
    provider: str
    host: str
    from_address: str
    may_stop: bool
    badge: tuple[str, str]
    test: tuple[str, str, str]
    dns: tuple[str, str] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A version in its table."""

    number: int
    active: bool
    changed: str
    saved_at: datetime
    saved_by: str
    test: tuple[str, str, str]
    dns: tuple[str, str] | None


def ways(provider: Provider) -> tuple[str, ...]:
    """The ways to sign in that a provider takes, the preferred first."""
    return tuple(_AUTH) if provider.id == OWN else provider.auth_methods


def auth(way: str, provider: Provider) -> str:
    """The provider's own word for the secret where it has one."""
    if way == "password" and "api_key" not in ways(provider):
        return provider.secret_label
    return _AUTH.get(way, way)


def place(host: Host) -> str:
    parts = [part for part in (host.region, host.label) if part]
    return ", ".join(parts) if parts else host.host


def badge(sender: SenderView, *, stood_in: bool) -> tuple[str, str]:
    """State and word of a sender's badge. `stood_in`: the platform default carries
    its mail for now."""
    if stood_in:
        return "warn", "Platform stands in"
    if sender.active == sender.version:
        return "active", "Active"
    if sender.active is not None:
        return "active", f"Version {sender.active} active"
    return {
        "sent": ("pass", "Tested"),
        "failed": ("failed", "Last test failed"),
        "uncertain": ("uncertain", "Last test uncertain"),
    }.get(sender.test_status or "", ("draft", "Untested"))


def last_test(status: str | None, at: datetime | None) -> tuple[str, str, str]:
    """State, word and the rest of a sentence about the last test of a version."""
    if status is None or at is None:
        return "unknown", "Never tested", ""
    when = f"in the test of {words.when(at)}"
    return {
        "sent": ("pass", "Accepted", when),
        "failed": ("fail", "Failed", when),
        "uncertain": ("uncertain", "Uncertain", when),
    }.get(status, ("unknown", "Stopped", when))


def change(found: Change) -> str:
    """One change in a list of them: `port 2525 to 587`, `secret replaced`."""
    name = _FIELDS.get(found.field, found.field)
    if found.field in SECRETS:
        return f"{name} replaced"
    if found.field in _QUIET:
        return f"{name} changed"
    before, after = _value(found.field, found.before), _value(found.field, found.after)
    if not found.before:
        return f"{name} {after}"
    if not found.after:
        return f"{name} {before} removed"
    return f"{name} {before} to {after}"


def changes(found: tuple[Change, ...]) -> str:
    listed = ", ".join(change(each) for each in found)
    return listed[:1].upper() + listed[1:] if listed else ""


def saved(stamp: Stamp) -> str:
    by = f" by {stamp.by}" if stamp.by else ""
    return f"Saved {words.when(stamp.at)}{by}."


def way(auth: str) -> str:
    return _AUTH.get(auth, auth)


def lent(name: str) -> str:
    """The word for a secret that this browser gave some minutes ago."""
    return _LENT.get(name, "Use the one typed before")


def left_behind(found: LeftBehind | None) -> str:
    """What was under way through the sender before, if anything was."""
    if found is None:
        return ""
    parts = []
    if found.waiting == 1:
        parts.append("1 mail still waits for its final reply")
    elif found.waiting:
        many = words.count(found.waiting, "mail")
        parts.append(f"{many} still wait for their final reply")
    if found.uncertain:
        parts.append(f"{words.count(found.uncertain, 'mail')} ended without an answer")
    return f"Through the sender before, {' and '.join(parts)}." if parts else ""


def limits(provider: Provider) -> str:
    """The provider's own limits, documented and perhaps no longer true."""
    known = provider.limits
    periods = (
        (known.per_second, "a second"),
        (known.per_minute, "a minute"),
        (known.per_hour, "an hour"),
        (known.per_day, "a day"),
    )
    said = [f"{value} {period}" for value, period in periods if value]
    if not said:
        return ""
    unsure = ", which may differ by now" if provider.is_unsure("limits") else ""
    return f"{provider.name} documents {'; '.join(said)}{unsure}."


def verified(provider: Provider) -> str:
    """What must be true of the From address at this provider, and where it is set."""
    rule = _VERIFIED.get(provider.from_verify)
    if rule is None:
        return ""
    where = f": {provider.from_hint}" if provider.from_hint else ""
    return " ".join(filter(None, (f"{rule}{where}.", provider.from_notes)))


def minutes(left: timedelta) -> str:
    return words.span(max(left.total_seconds(), 1))


def card(sender: SenderView, *, stood_in: bool, dns: tuple[str, str] | None) -> Card:
    return Card(
        id=sender.id,
        name=sender.name,
        provider=sender.provider_name,
        host=sender.fields.host or "",
        from_address=sender.fields.from_address,
        may_stop=stood_in or sender.active is not None,
        badge=badge(sender, stood_in=stood_in),
        test=last_test(sender.test_status, sender.tested_at),
        dns=dns,
    )


def row(version: VersionView, *, dns: tuple[str, str] | None) -> Row:
    return Row(
        number=version.number,
        active=version.active,
        changed=changes(version.changes) or _unchanged(version),
        saved_at=version.saved_at,
        saved_by=version.saved_by or "",
        test=last_test(version.test_status, version.tested_at),
        dns=dns,
    )


def _unchanged(version: VersionView) -> str:
    return "The first" if version.number == 1 else "Nothing"


def _value(field: str, value: object) -> str:
    if field == "security":
        return SECURITY.get(str(value), str(value))
    if field == "auth":
        return way(str(value))
    return (
        f"“{value}”" if field in ("name", "from_name", "reply_to_name") else str(value)
    )
