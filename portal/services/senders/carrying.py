"""What carries a mail: relay, identity and net of a route, secrets opened last."""

from __future__ import annotations

from dataclasses import dataclass, field

from portal.address import Named, parse_mailbox
from portal.config import AllowRule, DefaultSender
from portal.delivery.tokens import Tokens
from portal.delivery.types import Auth, Relay, Security
from portal.errors import Missing, Unavailable
from portal.mail.types import Identity
from portal.net.guard import GuardedNet, policy_of
from portal.net.types import Net
from portal.services.installation import Installation
from portal.services.senders.fields import (
    SANDBOX,
    SIGNING_KEY,
    OnLostReply,
    Pacing,
    stored_fields,
)
from portal.services.senders.identities import newest_identity, version_identity
from portal.services.senders.kinds import RouteKind
from portal.services.senders.making import (
    SANDBOX_IDENTITY,
    identity_of,
    net_of,
    relay_of,
    sandbox_net,
    sandbox_relay,
    tokens_of,
)
from portal.services.senders.sealing import open_secrets
from portal.store.models import Sender, SenderVersion
from portal.store.vault import Locked

NO_ROUTE = "This tenant has no sender, and this installation has no platform default."
_NO_VERSION = "There is no such version of a sender."


@dataclass(frozen=True, slots=True, kw_only=True)
class Carrier:
    """Everything that one conversation needs; made for each attempt, never kept."""

    relay: Relay
    identity: Identity
    net: Net
    provider: str | None
    label: str
    on_lost_reply: OnLostReply = OnLostReply.RETRY
    pacing: Pacing = field(default_factory=Pacing)
    tokens: Tokens | None = None


def carrier(
    installation: Installation,
    kind: str,
    version_id: int | None,
    *,
    tenant_id: int,
) -> Carrier:
    """The carrier of a route as it was read; a version carries as it was saved.

    Raises Unavailable without a route or, for the sandbox, in a process without
    one; `Locked` while the key is the wrong one, for relays without a secret too:
    an installation that is locked sends nothing.
    """
    if installation.vault.locked:
        raise Locked
    if kind == RouteKind.SENDER:
        return _sender(installation, _version(version_id))
    if kind == RouteKind.PLATFORM:
        return _platform(installation, tenant_id)
    if kind == RouteKind.SANDBOX:
        return Carrier(
            relay=sandbox_relay(installation),
            identity=SANDBOX_IDENTITY,
            net=sandbox_net(installation),
            provider=SANDBOX,
            label="Sandbox",
        )
    raise Unavailable(NO_ROUTE)


def identity(
    installation: Installation,
    kind: str,
    version_id: int | None,
    *,
    tenant_id: int,
) -> Identity:
    """Who a mail of this route is from; opens no secret."""
    if kind == RouteKind.SENDER:
        found = version_identity(version_id)
        if found is None:
            raise Missing(_NO_VERSION)
        return found
    if kind == RouteKind.PLATFORM:
        return _platform_identity(_default(installation), tenant_id)
    if kind == RouteKind.SANDBOX:
        return SANDBOX_IDENTITY
    raise Unavailable(NO_ROUTE)


def signed_identity(
    installation: Installation,
    kind: str,
    version_id: int | None,
    *,
    tenant_id: int,
) -> Identity:
    """As `identity`, with the key that signs its mail where it has one.

    Raises `Locked` and Unavailable where that key does not open.
    """
    found = identity(installation, kind, version_id, tenant_id=tenant_id)
    if kind != RouteKind.SENDER:
        return found
    version = _version(version_id)
    if not version.settings.get("dkim_signing"):
        return found
    key = open_secrets(installation.vault, version, only=(SIGNING_KEY,))
    return identity_of(stored_fields(version.settings, secrets=key))


def _version(version_id: int | None) -> SenderVersion:
    found = (
        SenderVersion.select(SenderVersion, Sender)
        .join(Sender)
        .where(SenderVersion.id == version_id)
        .get_or_none()
    )
    if found is None:
        raise Missing(_NO_VERSION)
    version: SenderVersion = found
    return version


def _sender(installation: Installation, version: SenderVersion) -> Carrier:
    fields = stored_fields(
        version.settings, secrets=open_secrets(installation.vault, version)
    )
    return Carrier(
        relay=relay_of(installation, fields),
        identity=identity_of(fields),
        net=net_of(installation, fields),
        provider=fields.provider,
        label=fields.name,
        on_lost_reply=fields.on_lost_reply,
        pacing=fields.pacing,
        tokens=tokens_of(installation, fields, tenant_id=version.sender.tenant_id),
    )


def _default(installation: Installation) -> DefaultSender:
    default = installation.settings.default_sender
    if default is None:
        raise Unavailable(NO_ROUTE)
    return default


def _platform(installation: Installation, tenant_id: int) -> Carrier:
    default, settings = _default(installation), installation.settings
    own = AllowRule(host=default.host, port=default.port)
    return Carrier(
        relay=Relay(
            host=default.host,
            port=default.port,
            security=Security(default.security),
            auth=Auth.PASSWORD if default.password else Auth.NONE,
            ehlo_name=settings.ehlo_name,
            username=default.username,
            password=default.password,
            allow_cleartext_auth=(default.host, default.port)
            in settings.cleartext_auth,
        ),
        identity=_platform_identity(default, tenant_id),
        net=GuardedNet(policy_of(settings, extra_allow=(own,))),
        provider=None,
        label="Platform default",
    )


def _platform_identity(default: DefaultSender, tenant_id: int) -> Identity:
    """From is the platform's, Reply-To the tenant's."""
    return Identity(
        from_=Named(parse_mailbox(default.from_address), default.from_name),
        reply_to=_tenants_own(tenant_id),
    )


def _tenants_own(tenant_id: int) -> Named | None:
    """Where answers to a tenant go: what its newest saved version says."""
    own = newest_identity(tenant_id)
    return None if own is None else own.reply_to or own.from_
