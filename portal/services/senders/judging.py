"""What the fields of a sender must be to each other, and to what is stored."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from portal.config import AllowRule, Settings
from portal.delivery.types import Auth, Security
from portal.providers.types import Provider
from portal.services.senders import grammar
from portal.services.senders.fields import (
    CLIENT_KEY,
    CLIENT_SECRET,
    PASSWORD,
    REFRESH_TOKEN,
    SERVICE_ACCOUNT,
    SenderFields,
)
from portal.services.senders.inputs import Inputs
from portal.services.senders.keeping import moved, needed

_WORDS = {
    "host": "host",
    "port": "port",
    "username": "user name",
    "security": "encryption",
    "ca": "certificate authority",
    "client_cert": "certificate",
    "oauth.token_url": "token address",
    "oauth.client_id": "client id",
}
_TYPE = {
    CLIENT_SECRET: "Type the client secret: none is stored.",
    REFRESH_TOKEN: "Connect to get a refresh token, or type one: none is stored.",
    SERVICE_ACCOUNT: "Give the JSON key file of the service account: none is stored.",
    CLIENT_KEY: "Give the private key of the certificate: none is stored.",
}
_FITTING = {
    Auth.PASSWORD: grammar.WITH_PASSWORD,
    Auth.API_KEY: grammar.WITH_PASSWORD,
    Auth.OAUTH2: grammar.WITH_TOKEN,
    Auth.CLIENT_CERT: grammar.WITH_CERTIFICATE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """What is there already: the newest version and the secrets it has."""

    fields: SenderFields
    secrets: frozenset[str]


def judge_mechanism(given: Inputs, found: SenderFields) -> None:
    fitting = _FITTING.get(found.auth, ())
    if found.mechanism and found.mechanism not in fitting:
        given.refuse(
            "mechanism",
            f"{found.mechanism} does not go with this way of signing in. Choose"
            f" {' or '.join(fitting)}, or none: then the relay's offer decides.",
        )


def judge_secrets(
    given: Inputs,
    found: SenderFields,
    provider: Provider | None,
    stored: Stored | None,
    *,
    consenting: bool,
) -> None:
    """Else a stored secret could be sent to another host."""
    for name in needed(found) if not given.is_wrong("oauth.grant") else ():
        if name in found.secrets or given.is_wrong(name):
            continue
        if name == CLIENT_KEY and given.is_wrong("client_cert"):
            continue
        if consenting and name == REFRESH_TOKEN:
            continue  # it is what the consent will bring
        if stored is None or name not in stored.secrets:
            given.refuse(name, _type(name, provider))
            continue
        changed = moved(name, found, stored.fields)
        if changed:
            given.refuse(
                name,
                f"A change of {_listed(_WORDS[each] for each in changed)} asks for it"
                " again: a stored secret goes only where it was meant to go.",
            )


def judge_certificate(given: Inputs, found: SenderFields) -> None:
    wanted = found.auth is Auth.CLIENT_CERT
    if wanted and not found.client_cert and not given.is_wrong("client_cert"):
        given.refuse("client_cert", "Which certificate shall the relay see?")
    # RFC 8446 §4.4.2: a certificate is shown inside of TLS only.
    shown = found.client_cert and not given.is_wrong("security")
    if shown and found.security is Security.NONE:
        given.refuse("security", "A client certificate needs STARTTLS or TLS.")


def judge_cleartext(given: Inputs, found: SenderFields, settings: Settings) -> None:
    signs_in = found.needs_secret and found.auth is not Auth.CLIENT_CERT
    if found.security is not Security.NONE or not signs_in:
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


def judge_token_ports(given: Inputs, found: SenderFields, settings: Settings) -> None:
    """443, unless the operator permits another port. The guard
    judges once more, and each address, when the connection is made."""
    if found.oauth is None:
        return
    for name in ("token_url", "authorize_url"):
        parts = urlsplit(getattr(found.oauth, name) or "")
        host, port = parts.hostname or "", parts.port or 443
        if port != 443 and not _may(settings.relay_allow, host, port):
            given.refuse(
                f"oauth.{name}",
                f"Port {port} is not permitted here: tokens come from port 443, unless"
                " the operator names the host and port in PORTAL_RELAY_ALLOW.",
            )


def _may(rules: Iterable[AllowRule], host: str, port: int) -> bool:
    return any(rule.port in (None, port) and _names(rule, host) for rule in rules)


def _names(rule: AllowRule, host: str) -> bool:
    """A network may be where a name leads: only the guard can tell."""
    if rule.network is None:
        return rule.host == host
    try:
        return ip_address(host) in rule.network
    except ValueError:
        return True


def _type(name: str, provider: Provider | None) -> str:
    if name != PASSWORD:
        return _TYPE[name]
    what = (provider.secret_label if provider else None) or "password"
    return f"Type the {_inner(what)}: none is stored."


def _inner(label: str) -> str:
    """“Password” within a sentence, but “API key” and “SMTP password” as they are."""
    return label if label[1:2].isupper() else label[:1].lower() + label[1:]


def _listed(words: Iterable[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last
