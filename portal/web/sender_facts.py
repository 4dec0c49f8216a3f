"""The settings of a sender to read, for those who may not change them."""

from __future__ import annotations

from portal.services.senders import SenderFields, SenderView
from portal.web import sender_words
from portal.web.sender_oauth import GRANTS

_SECRETS = {
    "password": "Secret",
    "oauth.client_secret": "Client secret",
    "oauth.refresh_token": "Refresh token",
    "oauth.service_account": "Service account",
    "client_key": "Client certificate",
    "dkim_signing.key": "DKIM key",
}


def facts(sender: SenderView) -> tuple[tuple[str, str], ...]:
    """Name and value of what is set; a secret is only said to be there."""
    found = sender.fields
    relay = f"{found.host} port {found.port}" if found.host else "in this portal"
    rows = (
        ("Relay", relay),
        ("Encryption", sender_words.SECURITY[found.security] if found.host else ""),
        ("Signing in", sender_words.way(found.auth) if found.host else ""),
        ("User name", found.username),
        *_of_oauth(found),
        *_of_secrets(sender),
        ("From", f"{found.from_name} {found.from_address}".strip()),
        ("Reply-To", found.reply_to_address or ""),
        ("Reverse-path", found.mail_from or ""),
        ("EHLO name", found.ehlo_name or ""),
        ("DKIM signature", _signature(found)),
    )
    return tuple((name, value) for name, value in rows if value)


def _of_oauth(found: SenderFields) -> tuple[tuple[str, str], ...]:
    own = found.oauth
    if own is None:
        return ()
    return (
        ("Who asks for the token", GRANTS[own.grant]),
        ("Token address", own.token_url),
        ("Client ID", own.client_id),
        ("Scope", own.scope),
        ("Acts for", own.subject or ""),
    )


def _of_secrets(sender: SenderView) -> tuple[tuple[str, str], ...]:
    return tuple(
        (word, sender_words.saved(sender.secrets[name]))
        for name, word in _SECRETS.items()
        if name in sender.secrets
    )


def _signature(found: SenderFields) -> str:
    own = found.dkim_signing
    return f"{own.selector}._domainkey.{own.domain}" if own else ""
