"""Erasing the kept tokens that no sender has a use for any more."""

from __future__ import annotations

from portal.delivery.types import Auth
from portal.services.actor import Actor
from portal.services.senders.fields import stored_fields
from portal.services.senders.making import oauth_of
from portal.services.senders.sealing import open_secrets
from portal.services.senders.token_rows import forget, place_of
from portal.store.models import Sender, SenderVersion


def forget_tokens(actor: Actor) -> None:
    """Inside the transaction that erased the secrets of a sender.

    Senders of a tenant may share a grant: what another one still has, stays. In a
    locked installation nothing can be told apart, and everything goes: a token is
    soon asked for again.
    """
    forget(actor.here.id, _used(actor))


def _used(actor: Actor) -> frozenset[str]:
    vault, tenant = actor.installation.vault, actor.here
    if vault.locked:
        return frozenset()
    versions = (
        SenderVersion.select(SenderVersion, Sender)
        .join(Sender)
        .where(Sender.tenant == tenant.id, Sender.deleted_at.is_null())
    )
    found = set()
    for version in versions:
        if version.settings.get("auth") != Auth.OAUTH2:
            continue
        secrets = open_secrets(vault, version)
        oauth = oauth_of(stored_fields(version.settings, secrets=secrets))
        if oauth is not None:
            found.add(place_of(vault, tenant.id, oauth).fingerprint)
    return frozenset(found)
