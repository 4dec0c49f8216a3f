"""The watch: every sender daily, and soon after it is changed or put to use."""

from __future__ import annotations

import random
from datetime import timedelta

from peewee import IntegrityError

from portal.services.actor import Actor, Role
from portal.services.domains.starting import CHANGED, DAILY, insert
from portal.services.domains.subjects import about, domain_of, problem_of
from portal.services.installation import Installation
from portal.services.senders.fields import SANDBOX, stored_fields
from portal.services.senders.finding import find
from portal.store.database import statement, transaction
from portal.store.fields import micros, now
from portal.store.models import DomainCheck, DomainWatch, SenderVersion

DAY = timedelta(days=1)
AT_ONCE = 4  # checks of the watch that may wait; the others are due a little later
# Senders that nobody has looked at, whose watched version is another one than the
# last time, or whose day is over; the longest due first.
_DUE = (
    "SELECT s.id, v.id, w.version_id, w.due_at FROM sender s"
    " LEFT JOIN route r ON r.tenant_id = s.tenant_id"
    " LEFT JOIN sender_version a ON a.sender_id = s.id"
    " AND a.id = COALESCE(r.active_version_id, r.fallback_version_id)"
    " JOIN sender_version n ON n.sender_id = s.id AND n.number = s.latest"
    " JOIN sender_version v ON v.id = COALESCE(a.id, n.id)"
    " LEFT JOIN domain_watch w ON w.sender_id = s.id"
    " WHERE s.deleted_at IS NULL AND v.provider <> ?"
    " AND (w.sender_id IS NULL"
    " OR (w.is_on AND (w.version_id <> v.id OR w.due_at <= ?)))"
    " ORDER BY COALESCE(w.due_at, 0), s.id LIMIT ?"
)


def look(installation: Installation) -> int:
    """Ask for the checks that are due; how many. Two processes ask for one once."""
    room = AT_ONCE - (
        DomainCheck.select()
        .where(DomainCheck.state == "waiting", DomainCheck.person.is_null())
        .count()
    )
    if room <= 0:
        return 0
    rows = statement(_DUE, SANDBOX, micros(now()), room).fetchall()
    asked = [_ask(installation, *row) for row in rows]
    if any(asked):
        installation.bell.ring()
    return asked.count(True)


def set_watch(actor: Actor, sender_id: str, *, on: bool) -> None:
    """Switch the watch over a sender on or off. Raises Missing and Forbidden."""
    actor.require(Role.ADMIN)
    sender = find(actor, sender_id)
    with transaction():
        DomainWatch.insert(
            sender=sender.id, is_on=on, due_at=now(), subject="", known={}, told={}
        ).on_conflict(
            conflict_target=[DomainWatch.sender], update={DomainWatch.is_on: on}
        ).execute()


def _ask(
    installation: Installation,
    sender_id: int,
    version_id: int,
    before: int | None,
    due_at: int | None,
) -> bool:
    try:
        with transaction():
            if not _mark(sender_id, version_id, before, due_at):
                return False
            version = SenderVersion.get_by_id(version_id)
            fields = stored_fields(version.settings)
            if problem_of(installation, fields) is not None:
                _forget(sender_id)
                return False
            why = DAILY if before == version_id else CHANGED
            insert(version, about(installation, fields), domain_of(fields), why=why)
    except IntegrityError:  # another process was there first
        return False
    return True


def _forget(sender_id: int) -> None:
    """There is nothing to check any more, so nobody is warned of what there was."""
    DomainWatch.update(subject="", known={}, told={}).where(
        DomainWatch.sender == sender_id
    ).execute()


def _mark(
    sender_id: int, version_id: int, before: int | None, due_at: int | None
) -> bool:
    """Not due any more, for another day; whether it was still due."""
    next_at = now() + DAY * random.uniform(0.95, 1.0)
    if due_at is None:
        DomainWatch.create(
            sender=sender_id, version_id=version_id, due_at=next_at, subject=""
        )
        return True
    marked = (
        DomainWatch.update(version_id=version_id, due_at=next_at)
        .where(
            DomainWatch.sender == sender_id,
            DomainWatch.version_id == before,
            DomainWatch.due_at == due_at,
        )
        .execute()
    )
    return bool(marked)
