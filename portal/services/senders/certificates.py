"""Certificates of senders that run out, while there is time to replace them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from portal.crypto.certificates import BadCertificate, CertificateFacts, described
from portal.services.actor import Actor, Role
from portal.services.senders.advice import NEAR
from portal.services.senders.fields import stored_fields
from portal.store.fields import now
from portal.store.models import Route, Sender, SenderVersion


class What(StrEnum):
    CLIENT_CERTIFICATE = "client certificate"
    AUTHORITY = "certificate authority"


@dataclass(frozen=True, slots=True, kw_only=True)
class Expiring:
    """One certificate; `version` is the sender's newest, or the one that carries
    mail now where that is an older one."""

    sender_id: str
    sender: str
    version: int
    active: bool
    what: What
    subject: str
    not_after: datetime
    expired: bool


def expiring(actor: Actor) -> tuple[Expiring, ...]:
    """Those that end within 30 days, or have ended; the most urgent first."""
    actor.require(Role.VIEWER)
    carries = Route.select(Route.active_version).where(Route.tenant == actor.here.id)
    active = carries.scalar()
    rows = (
        SenderVersion.select(SenderVersion, Sender)
        .join(Sender)
        .where(
            Sender.tenant == actor.here.id,
            Sender.deleted_at.is_null(),
            (SenderVersion.number == Sender.latest) | (SenderVersion.id == active),
        )
    )
    found = [each for row in rows for each in _of(row, active=row.id == active)]
    return tuple(sorted(found, key=lambda each: (each.not_after, not each.active)))


def _of(version: SenderVersion, *, active: bool) -> Iterator[Expiring]:
    fields = stored_fields(version.settings)
    # Of the client's chain only the leaf is ours to renew.
    shown = [(What.CLIENT_CERTIFICATE, each) for each in _read(fields.client_cert)[:1]]
    shown += [(What.AUTHORITY, each) for each in _read(fields.ca)]
    for what, facts in shown:
        if facts.not_after < now() + NEAR:
            yield Expiring(
                sender_id=version.sender.public_id,
                sender=version.sender.name,
                version=version.number,
                active=active,
                what=what,
                subject=facts.subject,
                not_after=facts.not_after,
                expired=facts.not_after <= now(),
            )


def _read(pem: str | None) -> tuple[CertificateFacts, ...]:
    try:
        return described(pem) if pem else ()
    except BadCertificate:
        return ()  # it was checked when it was saved; OpenSSL reads more than we do
