"""What the DNS means for each version of a sender, before one of them is used."""

from __future__ import annotations

from collections.abc import Mapping

from peewee import fn

from portal.services.actor import Actor, Role
from portal.services.domains.subjects import about
from portal.services.domains.summing import badge_of
from portal.services.domains.types import Badge
from portal.services.senders.fields import stored_fields
from portal.services.senders.finding import find
from portal.store.models import DomainCheck, SenderVersion


def of_versions(actor: Actor, sender_id: str) -> Mapping[int, Badge]:
    """By number: the last check of just what the version says. Those that were never
    checked are not there. Raises Missing."""
    actor.require(Role.VIEWER)
    sender = find(actor, sender_id)
    newest = (
        DomainCheck.select(fn.MAX(DomainCheck.id))
        .where(DomainCheck.sender == sender.id, DomainCheck.status.is_null(False))
        .group_by(DomainCheck.about)
    )
    rows = DomainCheck.select().where(DomainCheck.id.in_(newest))
    judged = {row.about: badge_of(row) for row in rows}
    versions = SenderVersion.select().where(SenderVersion.sender == sender.id)
    told = {
        each.number: about(actor.installation, stored_fields(each.settings))
        for each in versions
    }
    return {number: judged[here] for number, here in told.items() if here in judged}
