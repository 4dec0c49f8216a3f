"""A check as the engine runs it: claimed, followed row by row, settled."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from peewee import fn

from portal.address import BadAddress
from portal.deliverability.rating import overall
from portal.deliverability.types import Check, Status, Subject
from portal.net import https
from portal.net.guard import GuardedNet, policy_of
from portal.net.records import NameServers
from portal.services import audit
from portal.services.actor import Actor
from portal.services.domains.concluding import conclude
from portal.services.domains.showing import kept
from portal.services.domains.starting import ASKED, LOST_AFTER
from portal.services.domains.subjects import Outward, subject_of
from portal.services.domains.types import Change
from portal.services.installation import Installation
from portal.services.looking import shown_at
from portal.services.senders.fields import stored_fields
from portal.services.senders.routing import lock
from portal.services.testing.settling import actor_of
from portal.store.database import transaction
from portal.store.fields import now
from portal.store.models import DomainCheck, DomainVerdict, Sender, SenderVersion

if TYPE_CHECKING:  # at run time only a check needs these
    from portal.deliverability.transport.dane import Shown
    from portal.deliverability.transport.mta_sts import Fetch

log = logging.getLogger(__name__)

FETCH_S = 5.0  # a policy of MTA-STS
KEPT_FOR = timedelta(days=14)  # a check; what it came to is kept by day
VERDICTS_FOR = timedelta(days=400)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One check to make."""

    id: int
    subject: Subject
    dns: NameServers
    fetch: Fetch
    shown: Shown


def claim(installation: Installation, owner: str) -> Job | None:
    """The oldest check that waits, now this process's own; what somebody asked for
    comes before the watch."""
    while True:
        row = _take(owner)
        if row is None:
            return None
        try:
            return _job(installation, row)
        except BadAddress as error:
            log.warning("the check %s cannot be made: %s", row.public_id, error)
            _end(row.id, None, None)


def progress(job: Job, checks: Sequence[Check]) -> None:
    """Keep what is known so far."""
    DomainCheck.update(checks=[kept(each) for each in checks]).where(
        DomainCheck.id == job.id, DomainCheck.state == "running"
    ).execute()


def finish(
    installation: Installation, job: Job, checks: Sequence[Check] | None
) -> None:
    """The end: the row, what the watch makes of it, alerts, audit. None: it was
    interrupted."""
    if checks is None:
        _end(job.id, None, None)
        return
    status = overall(job.subject, list(checks))
    with transaction():
        row = DomainCheck.get_or_none(DomainCheck.id == job.id)
        if row is None:
            return
        lock(row.tenant_id)  # the route comes before the chain of audit
        if not _end(job.id, checks, status):
            return
        actor = actor_of(installation, row.tenant_id, row.person_id)
        sender = Sender.get_by_id(row.sender_id)
        changes = conclude(actor, row, sender, job.subject, checks)
        if row.why == ASKED or changes:
            _record(actor, row, sender, status, checks, changes)
    installation.bell.ring()  # an alert may have been written


def give_back(job: Job) -> None:
    """It was not ended: whoever comes next begins it anew."""
    DomainCheck.update(state="waiting", owner=None, started_at=None, checks=[]).where(
        DomainCheck.id == job.id, DomainCheck.state == "running"
    ).execute()


def tidy() -> None:
    """End those whose process is gone, and forget what is old."""
    DomainCheck.update(state="done", ended_at=now()).where(
        DomainCheck.state == "running", DomainCheck.started_at < now() - LOST_AFTER
    ).execute()
    _forget_checks()
    oldest = (now() - VERDICTS_FOR).date().isoformat()
    DomainVerdict.delete().where(DomainVerdict.day < oldest).execute()


def _forget_checks() -> None:
    """All but the last of each sender, which its page shows however old it is."""
    newest = DomainCheck.alias()
    last = newest.select(fn.MAX(newest.id)).group_by(newest.sender)
    old = DomainCheck.select(DomainCheck.id).where(
        DomainCheck.created_at < now() - KEPT_FOR, DomainCheck.id.not_in(last)
    )
    ids = [row.id for row in old.limit(500)]
    if ids:
        DomainCheck.delete().where(DomainCheck.id.in_(ids)).execute()


def _take(owner: str) -> DomainCheck | None:
    """A look that finds nothing takes no lock; of two that find one, one gets it."""
    asked_first = DomainCheck.why != ASKED
    waiting = (
        DomainCheck.select()
        .where(DomainCheck.state == "waiting")
        .order_by(asked_first, DomainCheck.id)
        .limit(20)
    )
    for row in waiting:
        taken = (
            DomainCheck.update(state="running", owner=owner, started_at=now())
            .where(DomainCheck.id == row.id, DomainCheck.state == "waiting")
            .execute()
        )
        if taken:
            return row
    return None


def _job(installation: Installation, row: DomainCheck) -> Job:
    settings = installation.settings
    version = SenderVersion.get_by_id(row.version_id)
    fields = stored_fields(version.settings)
    net = GuardedNet(policy_of(settings, https=True))
    return Job(
        id=row.id,
        subject=subject_of(installation, fields, version),
        dns=Outward(server=settings.dns),
        fetch=partial(https.get, net, timeout_s=FETCH_S),
        shown=partial(shown_at, GuardedNet(policy_of(settings))),
    )


def _end(check_id: int, checks: Sequence[Check] | None, status: str | None) -> bool:
    """False when it has ended already: the first end counts."""
    told = {} if checks is None else {"checks": [kept(each) for each in checks]}
    ended = (
        DomainCheck.update(state="done", status=status, ended_at=now(), **told)
        .where(DomainCheck.id == check_id, DomainCheck.state == "running")
        .execute()
    )
    return bool(ended)


def _record(
    actor: Actor,
    row: DomainCheck,
    sender: Sender,
    status: str,
    checks: Sequence[Check],
    changes: Sequence[Change],
) -> None:
    poor = (Status.FAIL, Status.WARN, Status.UNKNOWN)
    audit.record(
        actor,
        "domain.checked",
        subject_kind="sender",
        subject_id=sender.public_id,
        detail={
            "name": sender.name,
            "domain": row.domain,
            "why": row.why,
            "status": str(status),
            "reasons": {
                each.check.value: each.reasons[0]
                for each in checks
                if each.status in poor
            },
            "changed": {each.check.value: each.after.value for each in changes},
        },
    )
