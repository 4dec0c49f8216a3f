"""Which grants a tenant's senders have; kept tokens of any other are erased."""

from __future__ import annotations

from portal.delivery.types import Auth
from portal.services.actor import Actor
from portal.services.senders.fields import stored_fields
from portal.services.senders.making import oauth_of
from portal.services.senders.sealing import open_secrets
from portal.services.senders.token_rows import forget, place_of
from portal.store.models import Sender, SenderVersion
from portal.store.vault import Vault


def forget_tokens(actor: Actor) -> None:
    """Inside the transaction that erased the secrets of a sender.

    Senders of a tenant may share a grant: what another one still has, stays. In a
    locked installation nothing can be told apart, and everything goes: a token is
    soon asked for again.
    """
    vault, tenant_id = actor.installation.vault, actor.here.id
    forget(tenant_id, frozenset() if vault.locked else grants_of(vault, tenant_id))


def grants_of(vault: Vault, tenant_id: int) -> frozenset[str]:
    """The fingerprints of all grants that versions of a tenant have. Raises
    `Locked`."""
    versions = (
        SenderVersion.select(SenderVersion, Sender)
        .join(Sender)
        .where(Sender.tenant == tenant_id, Sender.deleted_at.is_null())
    )
    found = set()
    for version in versions:
        if version.settings.get("auth") != Auth.OAUTH2:
            continue
        secrets = open_secrets(vault, version)
        oauth = oauth_of(stored_fields(version.settings, secrets=secrets))
        if oauth is not None:
            found.add(place_of(vault, tenant_id, oauth).fingerprint)
    return frozenset(found)
