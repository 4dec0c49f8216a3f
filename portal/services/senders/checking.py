"""The one place that judges what somebody typed for a sender."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

from portal.address import parse_mailbox, parse_name
from portal.config import Settings
from portal.delivery.types import Auth, Security
from portal.providers.catalogue import Catalogue
from portal.providers.types import Provider, UsernameRule
from portal.secret import Secret
from portal.services.senders import grammar
from portal.services.senders.fields import (
    BOUND_TO,
    SANDBOX,
    Dkim,
    OnLostReply,
    Pacing,
    SenderFields,
)
from portal.services.senders.inputs import Inputs
from portal.services.senders.typed import Lender, lend

KNOWN = frozenset(each.name for each in fields(SenderFields))
NOT_BUILT = {
    "oauth": "This version of the portal does not sign in with OAuth.",
    "client_cert": "This version of the portal does not sign in by certificate.",
    "client_key": "This version of the portal does not sign in by certificate.",
    "dkim_signing": "This version of the portal does not sign mail; the relay does.",
}
MODES = (Auth.PASSWORD, Auth.API_KEY, Auth.NONE)  # the others come with OAuth
PACING = frozenset(each.name for each in fields(Pacing))
DKIM = frozenset(each.name for each in fields(Dkim))
_WORDS = {
    "host": "host",
    "port": "port",
    "username": "user name",
    "security": "encryption",
    "ca": "certificate authority",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """What is there already: the newest version and the secrets it has."""

    fields: SenderFields
    secrets: frozenset[str]


def validate(
    values: Mapping[str, object],
    *,
    catalogue: Catalogue,
    settings: Settings,
    stored: Stored | None,
    lender: Lender | None = None,
) -> SenderFields:
    """The fields of a form or of JSON, every one of them checked.

    A missing secret means the one that `lender` lends, else the stored one, and
    this only while everything that it is bound to stays as it was: `password` is
    None then. Raises Invalid that names each wrong field.
    """
    given = Inputs(values)
    given.refuse_unknown(KNOWN | NOT_BUILT.keys())
    for name, sentence in NOT_BUILT.items():
        if given.is_given(name):
            given.refuse(name, sentence)
    provider = _provider(given, catalogue)
    found = lend(_read(given, provider), lender)
    _judge_secret(given, found, provider, stored)
    _judge_cleartext(given, found, settings)
    given.raise_if_wrong()
    return found


def _provider(given: Inputs, catalogue: Catalogue) -> Provider | None:
    name = given.text("provider") or "generic_smtp"
    provider = catalogue.get(name)
    if provider is None:
        given.refuse("provider", f"The catalogue has no provider “{name}”.")
    return provider


def _read(given: Inputs, provider: Provider | None) -> SenderFields:
    """Every field; a wrong one has left its fault and some value in its place."""
    sandbox = provider is not None and provider.id == SANDBOX
    # The sandbox is wherever this process runs it: where is not a setting.
    security, auth = (Security.NONE, Auth.NONE) if sandbox else _connection(given)
    secret = _secret(given) if auth is not Auth.NONE else None
    reply_to = given.read("reply_to_address", parse_mailbox)
    mail_from = given.read("mail_from", parse_mailbox)
    reply_to_name = given.read("reply_to_name", parse_name) or ""
    if reply_to_name and not given.is_given("reply_to_address"):
        given.refuse("reply_to_address", "A Reply-To name needs its address.")
    return SenderFields(
        name=_needed(given, "name", "Give the sender a name."),
        provider=provider.id if provider else "",
        region=given.read("region", grammar.region),
        host=None if sandbox else _needed(given, "host", "Which host is the relay?"),
        port=None if sandbox else _port(given),
        security=security,
        auth=auth,
        mechanism=given.read("mechanism", grammar.mechanism),
        username=_username(given, auth, provider, secret),
        password=secret,
        ca=given.read("ca", grammar.certificates),
        ehlo_name=given.read("ehlo_name", grammar.ehlo),
        local_address=given.read("local_address", grammar.ip),
        relay_ips=given.several("relay_ips", grammar.ip),
        from_name=given.read("from_name", parse_name) or "",
        from_address=_needed(given, "from_address", "Which address is mail from?"),
        reply_to_name=reply_to_name,
        reply_to_address=str(reply_to) if reply_to else None,
        mail_from=str(mail_from) if mail_from else None,
        allowed_from=given.several("allowed_from", grammar.mailbox_or_domain),
        dkim=_dkim(given),
        on_lost_reply=given.choice(
            "on_lost_reply", tuple(OnLostReply), OnLostReply.RETRY
        ),
        pacing=_pacing(given),
    )


def _needed(given: Inputs, name: str, sentence: str) -> str:
    if not given.text(name) and not given.is_wrong(name):
        given.refuse(name, sentence)
    return given.read(name, grammar.NEEDED[name]) or ""


def _port(given: Inputs) -> int | None:
    port = given.number("port", 1, 65535, "A port")
    if port is None and not given.is_wrong("port"):
        given.refuse("port", "A port is a number from 1 to 65535.")
    return port


def _connection(given: Inputs) -> tuple[Security, Auth]:
    return given.choice("security", tuple(Security)), given.choice("auth", MODES)


def _secret(given: Inputs) -> Secret | None:
    """Byte for byte as it was typed: a blank at its end may belong to it."""
    text = given.exact("password")
    if "\0" in text:
        given.refuse("password", "A secret may not hold a NUL character.")
    elif len(text) > grammar.SECRET_LENGTH:
        given.refuse(
            "password", f"A secret has at most {grammar.SECRET_LENGTH} characters."
        )
    return Secret(text) if text else None


def _username(
    given: Inputs, auth: Auth, provider: Provider | None, secret: Secret | None
) -> str:
    if auth is Auth.NONE:
        return ""
    username = given.read("username", grammar.username) or ""
    rule = provider.username_rule if provider else None
    if rule is UsernameRule.SERVER_TOKEN and secret and Secret(username) == secret:
        return ""  # the token is the user name: it is stored once, and sealed
    if (
        not username
        and rule is UsernameRule.LITERAL
        and provider
        and provider.username_value
    ):
        return provider.username_value
    if (
        not username
        and rule is not UsernameRule.SERVER_TOKEN
        and not given.is_wrong("username")
    ):
        given.refuse("username", "The relay asks for a user name.")
    return username


def _dkim(given: Inputs) -> Dkim:
    part = given.part("dkim", DKIM)
    return Dkim(
        selectors=part.several("selectors", grammar.selector),
        signing_domain=part.read("signing_domain", grammar.domain),
        return_path=part.read("return_path", grammar.domain),
    )


def _pacing(given: Inputs) -> Pacing:
    part = given.part("pacing", PACING)
    most = grammar.MOST_A_PERIOD
    return Pacing(
        max_connections=part.number("max_connections", 1, 50, "Connections at once")
        or Pacing().max_connections,
        per_minute=part.number("per_minute", 1, most, "Mails a minute"),
        per_hour=part.number("per_hour", 1, most, "Mails an hour"),
        per_day=part.number("per_day", 1, most, "Mails a day"),
    )


def _judge_secret(
    given: Inputs,
    found: SenderFields,
    provider: Provider | None,
    stored: Stored | None,
) -> None:
    """RELIABILITY §3.5: else a stored secret could be sent to another host."""
    if not found.needs_secret or found.password or given.is_wrong("password"):
        return
    what = (provider.secret_label if provider else None) or "password"
    if stored is None or "password" not in stored.secrets:
        given.refuse("password", f"Type the {_inner(what)}: none is stored.")
        return
    moved = [
        _WORDS[name]
        for name in BOUND_TO
        if getattr(found, name) != getattr(stored.fields, name)
    ]
    if moved:
        given.refuse(
            "password",
            f"A change of {_listed(moved)} asks for it again: a stored secret goes"
            " only where it was meant to go.",
        )


def _judge_cleartext(given: Inputs, found: SenderFields, settings: Settings) -> None:
    if found.security is not Security.NONE or not found.needs_secret:
        return
    if (found.host, found.port) in settings.cleartext_auth:
        return
    if found.host and found.port and not given.is_wrong("security"):
        shown = f"[{found.host}]" if ":" in found.host else found.host
        given.refuse(
            "security",
            "Without encryption everybody on the way reads the secret. Choose"
            " STARTTLS or TLS, or let the operator name this relay in"
            f" PORTAL_CLEARTEXT_AUTH={shown}:{found.port}.",
        )


def _inner(label: str) -> str:
    """“Password” within a sentence, but “API key” and “SMTP password” as they are."""
    return label if label[1:2].isupper() else label[:1].lower() + label[1:]


def _listed(words: list[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last
