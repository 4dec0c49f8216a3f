"""Asking for a check: judged, limited, written as a row, and the bell rung."""

from __future__ import annotations

from datetime import timedelta

from portal.errors import Invalid
from portal.services.actor import Actor, Role
from portal.services.domains.spending import spend
from portal.services.domains.subjects import about, domain_of, problem_of
from portal.services.senders.fields import stored_fields
from portal.services.senders.finding import find, newest, numbered
from portal.store.database import transaction
from portal.store.fields import now
from portal.store.models import DomainCheck, SenderVersion, public_id

ASKED, CHANGED, DAILY = "asked", "changed", "daily"
# A check ends within its ten seconds; whoever has it longer is gone.
LOST_AFTER = timedelta(seconds=60)


def start(actor: Actor, sender_id: str, number: int | None = None) -> str:
    """The id of a check of this version (None: the newest); of the one that waits or
    runs, if there is one. Raises Missing, Invalid for what cannot be checked, and
    TooMany."""
    actor.require(Role.ADMIN)
    sender = find(actor, sender_id)
    version = newest(sender) if number is None else numbered(sender, number)
    fields = stored_fields(version.settings)
    problem = problem_of(actor.installation, fields)
    if problem:
        raise Invalid("sender", problem)
    here = about(actor.installation, fields)
    running = _running(version, here)
    if running is not None:
        return str(running.public_id)
    spend(actor)
    person_id = actor.person.id if actor.person else None
    with transaction():
        row = insert(version, here, domain_of(fields), why=ASKED, person_id=person_id)
    actor.installation.bell.ring()
    return str(row.public_id)


def insert(
    version: SenderVersion,
    here: str,
    domain: str,
    *,
    why: str,
    person_id: int | None = None,
) -> DomainCheck:
    """A check that waits, in the caller's transaction."""
    row = DomainCheck(
        public_id=public_id(),
        tenant=version.sender.tenant_id,
        sender=version.sender_id,
        version=version.id,
        person=person_id,
        why=why,
        about=here,
        domain=domain,
    )
    row.save(force_insert=True)
    return row


def _running(version: SenderVersion, here: str) -> DomainCheck | None:
    found: DomainCheck | None = (
        DomainCheck.select()
        .where(
            DomainCheck.sender == version.sender_id,
            DomainCheck.about == here,
            DomainCheck.state != "done",
            DomainCheck.created_at > now() - LOST_AFTER,
        )
        .order_by(DomainCheck.id.desc())
        .first()
    )
    return found
