"""The relay, the net and the identity that a sender's fields describe."""

from __future__ import annotations

from portal.address import Named, parse_mailbox
from portal.delivery.grants import Grant, OAuth
from portal.delivery.types import Auth, Relay, Security
from portal.errors import Unavailable
from portal.mail.types import ANYBODY, Identity, Signing
from portal.net.guard import GuardedNet, policy_of
from portal.net.open import LoopbackNet
from portal.net.types import Net
from portal.services.installation import Installation
from portal.services.senders.fields import (
    CLIENT_KEY,
    CLIENT_SECRET,
    REFRESH_TOKEN,
    SANDBOX,
    SERVICE_ACCOUNT,
    SIGNING_KEY,
    SenderFields,
)
from portal.services.senders.tokens import KeptTokens

NO_SANDBOX = "This process runs no sandbox (--no-sandbox), so it cannot take the mail."
SANDBOX_IDENTITY = Identity(
    from_=Named(parse_mailbox("sandbox@portal.invalid"), "Sandbox"),
    allowed_from=(ANYBODY,),
)


def relay_of(installation: Installation, fields: SenderFields) -> Relay:
    """The relay of these fields, which hold their secrets."""
    if fields.is_sandbox:
        return sandbox_relay(installation, fields.ehlo_name)
    host, port = fields.host or "", fields.port or 0
    settings = installation.settings
    return Relay(
        host=host,
        port=port,
        security=fields.security,
        auth=fields.auth,
        ehlo_name=fields.ehlo_name or settings.ehlo_name,
        mechanism=fields.mechanism,
        username=_username(fields),
        password=fields.password,
        oauth=oauth_of(fields),
        client_cert=fields.client_cert,
        client_key=fields.secrets.get(CLIENT_KEY) if fields.client_cert else None,
        ca_pem=fields.ca,
        local_address=fields.local_address,
        allow_cleartext_auth=(host, port) in settings.cleartext_auth,
    )


def oauth_of(fields: SenderFields) -> OAuth | None:
    """How the tokens of these fields are asked for; None where none are."""
    own = fields.oauth
    if fields.auth is not Auth.OAUTH2 or own is None:
        return None
    is_assertion = own.grant is Grant.JWT_BEARER
    return OAuth(
        grant=own.grant,
        token_url=own.token_url,
        client_id=own.client_id,
        client_secret=fields.secrets.get(CLIENT_SECRET),
        scope=own.scope,
        refresh_token=fields.secrets.get(REFRESH_TOKEN),
        service_account=fields.secrets.get(SERVICE_ACCOUNT),
        subject=(own.subject or fields.mailbox) if is_assertion else None,
    )


def token_net_of(installation: Installation) -> Net:
    """For token end points: each address is judged, and the port too."""
    return GuardedNet(policy_of(installation.settings, https=True))


def tokens_of(
    installation: Installation,
    fields: SenderFields,
    *,
    tenant_id: int,
    asks_again: bool = False,
) -> KeptTokens | None:
    """The kept tokens of these fields; None where they sign in without any."""
    if fields.auth is not Auth.OAUTH2:
        return None
    return KeptTokens(
        vault=installation.vault,
        tenant_id=tenant_id,
        net=token_net_of(installation),
        ca_pem=fields.ca,
        asks_again=asks_again,
    )


def net_of(installation: Installation, fields: SenderFields) -> Net:
    """The guarded net; the sandbox provider alone reaches the sandbox."""
    if fields.is_sandbox:
        return sandbox_net(installation)
    return GuardedNet(policy_of(installation.settings))


def identity_of(fields: SenderFields) -> Identity:
    reply_to = None
    if fields.reply_to_address:
        reply_to = Named(parse_mailbox(fields.reply_to_address), fields.reply_to_name)
    return Identity(
        from_=Named(parse_mailbox(fields.from_address), fields.from_name),
        reply_to=reply_to,
        reverse_path=parse_mailbox(fields.mail_from) if fields.mail_from else None,
        allowed_from=fields.allowed_from,
        signing=_signing_of(fields),
    )


def sandbox_relay(installation: Installation, ehlo_name: str | None = None) -> Relay:
    return Relay(
        host=SANDBOX,
        port=_sandbox_port(installation),
        security=Security.NONE,
        auth=Auth.NONE,
        ehlo_name=ehlo_name or installation.settings.ehlo_name,
    )


def sandbox_net(installation: Installation) -> Net:
    return LoopbackNet(_sandbox_port(installation))


def _sandbox_port(installation: Installation) -> int:
    port = installation.sandbox_port()
    if port is None:
        raise Unavailable(NO_SANDBOX)
    return port


def _username(fields: SenderFields) -> str | None:
    if not fields.needs_secret:
        return None
    if fields.auth is Auth.OAUTH2:
        return fields.mailbox
    if fields.username:
        return fields.username
    # A server token is its own user name; it is never stored as one.
    return fields.password.reveal() if fields.password else None


def _signing_of(fields: SenderFields) -> Signing | None:
    """None before the first save, which makes the key, and where nothing may be
    opened."""
    key, own = fields.secrets.get(SIGNING_KEY), fields.dkim_signing
    if own is None or key is None:
        return None
    return Signing(domain=own.domain, selector=own.selector, key=key)
