"""Senders and versions of a tenant, found by what people and programs name."""

from __future__ import annotations

from portal.errors import Missing
from portal.services.actor import Actor
from portal.services.senders.fields import stored_fields
from portal.services.senders.judging import Stored
from portal.store.models import Sender, SenderSecret, SenderVersion

NO_SENDER = "There is no such sender."


def find(actor: Actor, sender_id: str) -> Sender:
    """A sender of this tenant by its public id. Raises Missing."""
    found: Sender | None = Sender.get_or_none(
        Sender.public_id == sender_id,
        Sender.tenant == actor.here.id,
        Sender.deleted_at.is_null(),
    )
    if found is None:
        raise Missing(NO_SENDER)
    return found


def named(actor: Actor, name: str) -> Sender | None:
    """A sender of this tenant by its name, as `portal sender apply` looks for it."""
    found: Sender | None = Sender.get_or_none(
        Sender.name == name,
        Sender.tenant == actor.here.id,
        Sender.deleted_at.is_null(),
    )
    return found


def numbered(sender: Sender, number: int) -> SenderVersion:
    found: SenderVersion | None = (
        SenderVersion.select(SenderVersion, Sender)
        .join(Sender)
        .where(SenderVersion.sender == sender, SenderVersion.number == number)
        .first()
    )
    if found is None:
        raise Missing(f"This sender has no version {number}.")
    return found


def newest(sender: Sender) -> SenderVersion:
    return numbered(sender, sender.latest)


def stored(version: SenderVersion) -> Stored:
    """The fields of a version and the names of its secrets, none of them opened."""
    rows = SenderSecret.select(SenderSecret.field).where(
        SenderSecret.version == version
    )
    return Stored(
        fields=stored_fields(version.settings),
        secrets=frozenset(row.field for row in rows),
    )
