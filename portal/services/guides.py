"""What whoever holds the account at a provider has to do there, in its words.

For the guide of a sender and for its hand-over; nothing of the store is read here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from portal.config import Settings
from portal.delivery.grants import Grant
from portal.delivery.types import Auth, Security
from portal.providers.types import Provider, UsernameRule
from portal.services.senders.fields import SenderFields
from portal.services.zone import Ask, asks, with_addresses

SECURITY = {
    Security.STARTTLS: "STARTTLS",
    Security.TLS: "TLS from the start",
    Security.NONE: "no encryption",
}
OWN = "generic_smtp"
CALLBACK = "/oauth/callback"
_VERIFY = {
    "domain": "Verify the domain {domain}",
    "domain_or_address": "Verify the domain {domain}, or the address {address} alone",
    "mailbox": "Let the account that signs in send as {address}",
    "permission": "Let the account that signs in send as {address}",
    "server_policy": "Let the server take {address} from whoever signs in",
}
_ALONE = (
    "Make an account for this alone, not a person’s: nothing stops when somebody"
    " leaves, and it can be ended without hurting anybody."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Something to copy: `what` says to a listener what the button copies."""

    name: str
    value: str
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing to do. `unsure`: documented, and may differ by now."""

    id: str
    title: str
    text: tuple[str, ...] = ()
    items: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()
    notes: tuple[str, ...] = ()
    unsure: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Guide:
    provider: str
    steps: tuple[Step, ...]
    facts: tuple[tuple[str, str], ...]
    docs: tuple[str, ...]


def guide(settings: Settings, provider: Provider, fields: SenderFields) -> Guide:
    """The steps for this sender at its provider, with what is known filled in."""
    dns = asks(provider, fields, settings.egress_ips)
    steps = (
        _allow(settings, provider, fields),
        _create(settings, provider, fields),
        _verify(provider, fields),
        *(_publish(each) for each in dns),
    )
    return Guide(
        provider="your mail server" if provider.id == OWN else provider.name,
        steps=tuple(step for step in steps if step),
        facts=tuple(_facts(provider, fields)),
        docs=provider.docs,
    )


def addresses(settings: Settings, fields: SenderFields) -> tuple[Row, ...]:
    """Where we come from, as a relay sees it."""
    rows = [
        Row(name=f"IPv{6 if ':' in ip else 4}", value=ip, what="the address")
        for ip in settings.egress_ips
    ]
    if settings.egress_host:
        rows.append(Row(name="Host", value=settings.egress_host, what="the host name"))
    ehlo = fields.ehlo_name or settings.ehlo_name
    return (*rows, Row(name="EHLO", value=ehlo, what="the EHLO name"))


def _allow(settings: Settings, provider: Provider, fields: SenderFields) -> Step | None:
    known, by_address = provider.allow_list, fields.auth is Auth.NONE
    if known is None and not by_address:
        return None
    must = by_address or (known is not None and known.required)
    unknown = not (settings.egress_ips or settings.egress_host)
    return Step(
        id="allow",
        title="Allow our addresses at the relay"
        if must
        else "Allow our addresses, if you restrict who may connect",
        text=("It knows us by address; there is no password.",) if by_address else (),
        items=with_addresses(known.steps, settings.egress_ips) if known else (),
        rows=addresses(settings, fields),
        notes=tuple(
            note
            for note in (
                known.notes if known else None,
                "Ask us for the addresses: the operator of this portal has not"
                " written them down (PORTAL_EGRESS_IPS)."
                if unknown
                else None,
            )
            if note
        ),
        unsure=provider.is_unsure("allow_list"),
    )


def _create(
    settings: Settings, provider: Provider, fields: SenderFields
) -> Step | None:
    if fields.auth is Auth.NONE:
        return None
    if fields.auth is Auth.OAUTH2:
        return _register(settings, provider, fields)
    if fields.auth is Auth.CLIENT_CERT:
        return Step(
            id="create",
            title="Issue a client certificate",
            items=(
                "For TLS client authentication, as PEM or PKCS 12, with its key.",
                "Let the relay accept it for this From address.",
            ),
        )
    return Step(
        id="create",
        title=f"Create the {_inner(provider.secret_label)}",
        text=(_ALONE,),
        items=tuple(_credentials(provider)),
        notes=(provider.auth_notes,) if provider.auth_notes else (),
        unsure=provider.is_unsure("secret") or provider.is_unsure("username"),
    )


def _credentials(provider: Provider) -> Iterator[str]:
    rule = provider.username_rule
    if rule is UsernameRule.LITERAL:
        yield f"{provider.username_label}: always the word “{provider.username_value}”."
    elif rule is not UsernameRule.SERVER_TOKEN and provider.username_hint:
        yield f"{provider.username_label}: {provider.username_hint}"
    if provider.secret_hint:
        yield f"{provider.secret_label}: {provider.secret_hint}"


def _register(settings: Settings, provider: Provider, fields: SenderFields) -> Step:
    own, known = fields.oauth, provider.oauth
    grant = own.grant if own else Grant.CLIENT_CREDENTIALS
    rows = []
    if own and own.scope:
        rows.append(Row(name="Scope", value=own.scope, what="the scope"))
    if grant is Grant.REFRESH_TOKEN and settings.base_url:
        back = settings.base_url.rstrip("/") + CALLBACK
        rows.append(Row(name="Redirect URI", value=back, what="the redirect URI"))
    steps = known.steps.get(grant.value, ()) if known else ()
    return Step(
        id="create",
        title="Register this portal for OAuth 2.0",
        items=steps or ("Register a client that may send mail for this mailbox.",),
        rows=tuple(rows),
        notes=(known.notes,) if known and known.notes else (),
        unsure=provider.is_unsure("auth"),
    )


def _verify(provider: Provider, fields: SenderFields) -> Step | None:
    words = _VERIFY.get(provider.from_verify)
    if words is None:
        return None
    address = fields.from_address
    where = provider.from_hint
    return Step(
        id="verify",
        title=words.format(domain=address.rpartition("@")[2], address=address),
        items=(where if where.endswith(".") else f"{where}.",) if where else (),
        rows=tuple(
            Row(name="From", value=each, what="the address")
            for each in (address, *fields.allowed_from)
        ),
        notes=(provider.from_notes,) if provider.from_notes else (),
        unsure=provider.is_unsure("from"),
    )


def _publish(ask: Ask) -> Step:
    rows = [
        Row(name=name, value=value, what=f"the {name.lower()} of {record.name}")
        for record in ask.records
        for name, value in (
            ("Name", record.name),
            ("Type", record.type),
            ("Value", record.value),
        )
    ]
    return Step(
        id=ask.id,
        title=ask.title,
        text=ask.text,
        rows=tuple(rows),
        notes=ask.notes,
        unsure=ask.unsure,
    )


def _facts(provider: Provider, fields: SenderFields) -> Iterator[tuple[str, str]]:
    if fields.host:
        yield "Relay", f"{fields.host} port {fields.port}, {SECURITY[fields.security]}"
    if provider.min_tls:
        yield "TLS", f"{provider.min_tls} or newer"
    for name, value in _limits(provider):
        unsure = " (documented, may differ)" if provider.is_unsure("limits") else ""
        yield name, f"{value}{unsure}"
    if provider.trial:
        unsure = " (documented, may differ)" if provider.is_unsure("trial") else ""
        yield "At first", f"{provider.trial}{unsure}"


def _limits(provider: Provider) -> Iterator[tuple[str, str]]:
    known = provider.limits
    for name, value in (
        ("A second", known.per_second),
        ("A minute", known.per_minute),
        ("An hour", known.per_hour),
        ("A day", known.per_day),
        ("A month", known.per_month),
        ("Connections", known.connections),
        ("Recipients a mail", known.recipients_per_message),
    ):
        if value is not None:
            yield name, str(value)
    if known.message_size_mb:
        yield "Size", f"{known.message_size_mb} MB"
    if known.notes:
        yield "Limits", known.notes


def _inner(label: str) -> str:
    return label if label[1:2].isupper() else label[:1].lower() + label[1:]
