"""The DNS record of the key that signs a sender's mail, for whoever publishes it."""

from __future__ import annotations

from dataclasses import dataclass

from portal.crypto.signing import public_record
from portal.errors import Unavailable
from portal.services.actor import Actor, Role
from portal.services.senders.fields import SIGNING_KEY, stored_fields
from portal.services.senders.finding import find, newest
from portal.services.senders.sealing import open_secrets
from portal.store.vault import Locked


@dataclass(frozen=True, slots=True, kw_only=True)
class DkimRecord:
    """A TXT record (RFC 6376 §3.6): its absolute name and its value."""

    name: str
    value: str


def dkim_record(actor: Actor, sender_id: str) -> DkimRecord | None:
    """Of the newest version; None where it signs nothing or its key does not open.

    Raises Missing.
    """
    actor.require(Role.VIEWER)
    version = newest(find(actor, sender_id))
    signing = stored_fields(version.settings).dkim_signing
    if signing is None:
        return None
    try:
        secrets = open_secrets(actor.installation.vault, version, only=(SIGNING_KEY,))
    except (Locked, Unavailable):
        return None
    key = secrets.get(SIGNING_KEY)
    if key is None:
        return None
    return DkimRecord(
        name=f"{signing.selector}._domainkey.{signing.domain}",
        value=public_record(key.reveal()),
    )
