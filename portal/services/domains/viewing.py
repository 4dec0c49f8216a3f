"""The domain of a sender as its page shows it, while it is checked and afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from portal.deliverability import domains
from portal.deliverability.types import CheckName, Status, Subject
from portal.services.actor import Actor, Role
from portal.services.domains import words
from portal.services.domains.showing import in_order, shown
from portal.services.domains.starting import LOST_AFTER
from portal.services.domains.subjects import about, domain_of, problem_of, subject_of
from portal.services.domains.types import (
    Change,
    CheckView,
    DomainView,
    Verdict,
    Verdicts,
)
from portal.services.domains.verdict import interrupted, verdict
from portal.services.domains.watched import provider_name
from portal.services.senders.fields import stored_fields
from portal.services.senders.finding import find, newest, numbered
from portal.store.fields import now
from portal.store.models import (
    DomainCheck,
    DomainVerdict,
    DomainWatch,
    Sender,
    SenderVersion,
)

OVERDUE_AFTER = timedelta(seconds=10)
HISTORY_DAYS = 90


def view(actor: Actor, sender_id: str, number: int | None = None) -> DomainView:
    """Of this version (None: the newest). Raises Missing."""
    actor.require(Role.VIEWER)
    sender = find(actor, sender_id)
    version = newest(sender) if number is None else numbered(sender, number)
    fields = stored_fields(version.settings)
    problem = problem_of(fields)
    watch = DomainWatch.get_or_none(DomainWatch.sender == sender.id)
    if problem is not None:
        return _without(sender, version, domain_of(fields), problem)
    subject = subject_of(actor.installation, fields, None)
    row = _last(version, about(actor.installation, fields))
    known = watch.known if watch else {}
    checks = _checks(row, subject, known)
    running = row is not None and row.state != "done" and _is_young(row)
    expectation = subject.expectation
    return DomainView(
        sender_id=sender.public_id,
        version=version.number,
        domain=subject.domain,
        envelope_domain=domains.envelope(subject),
        signing_domain=domains.signing(subject),
        provider=expectation.name if expectation else None,
        running=running,
        overdue=row is not None
        and row.state == "waiting"
        and row.created_at < now() - OVERDUE_AFTER,
        checked_at=row.ended_at if row else None,
        is_current=row is not None and row.about == about(actor.installation, fields),
        verdict=None if running else _verdict(row, checks, subject),
        checks=checks,
        pending=_pending(checks, subject) if running else (),
        history=_history(sender),
        watch=watch is None or watch.is_on,
        next_at=watch.due_at if watch and watch.is_on else None,
    )


def _without(
    sender: Sender, version: SenderVersion, domain: str, problem: str
) -> DomainView:
    return DomainView(
        sender_id=sender.public_id,
        version=version.number,
        domain=domain,
        envelope_domain=None,
        signing_domain=domain,
        provider=None,
        running=False,
        overdue=False,
        checked_at=None,
        is_current=False,
        verdict=None,
        checks=(),
        pending=(),
        history=(),
        watch=False,
        next_at=None,
        problem=problem,
    )


def _last(version: SenderVersion, here: str) -> DomainCheck | None:
    """The last check of just what this version says; else of the version itself,
    asked when the catalogue or the installation said something else; else of its
    sender, for the same domain."""
    rows = (
        DomainCheck.select()
        .where(DomainCheck.sender == version.sender_id)
        .order_by(DomainCheck.id.desc())
    )
    for condition in (
        DomainCheck.about == here,
        DomainCheck.version == version.id,
        DomainCheck.domain == domain_of(stored_fields(version.settings)),
    ):
        found: DomainCheck | None = rows.where(condition).first()
        if found is not None:
            return found
    return None


def _is_young(row: DomainCheck) -> bool:
    """What waits does so for any time; what runs is soon over or lost."""
    return row.started_at is None or row.started_at > now() - LOST_AFTER


def _checks(
    row: DomainCheck | None, subject: Subject, known: Mapping[str, Any]
) -> tuple[CheckView, ...]:
    if row is None:
        return ()
    provider = provider_name(subject)
    return in_order(
        [
            shown(each, domain=row.domain, provider=provider, known=known)
            for each in row.checks
        ]
    )


def _verdict(
    row: DomainCheck | None, checks: tuple[CheckView, ...], subject: Subject
) -> Verdict | None:
    if row is None:
        return None
    if row.status is None:
        return interrupted(row.domain)
    return verdict(
        Status(row.status),
        checks,
        domain=row.domain,
        provider=provider_name(subject),
    )


def _pending(checks: tuple[CheckView, ...], subject: Subject) -> tuple[str, ...]:
    """Those that this sender's report will have."""
    left = {each.check for each in checks} | {CheckName.BLOCKLIST}
    expectation = subject.expectation
    is_ours = expectation is None or expectation.own_relay
    if not (is_ours and subject.relay_ips):
        left.add(CheckName.PTR)
    dkim = expectation.dkim if expectation else None
    if dkim is not None and dkim.record_type == "none" and not subject.selectors:
        left.add(CheckName.DKIM)
    return tuple(words.label(name) for name in CheckName if name not in left)


def _history(sender: Sender) -> tuple[Verdicts, ...]:
    rows = (
        DomainVerdict.select()
        .where(DomainVerdict.sender == sender.id)
        .order_by(DomainVerdict.day.desc())
        .limit(HISTORY_DAYS)
    )
    return tuple(_verdicts(row) for row in rows)[::-1]


def _verdicts(row: DomainVerdict) -> Verdicts:
    return Verdicts(
        day=date.fromisoformat(row.day),
        at=row.at,
        status=Status(row.status),
        statuses={CheckName(k): Status(v) for k, v in row.statuses.items()},
        changes=tuple(
            Change(
                check=CheckName(each["check"]),
                before=Status(each["before"]),
                after=Status(each["after"]),
                sentence=each["sentence"],
            )
            for each in row.changes
        ),
    )
