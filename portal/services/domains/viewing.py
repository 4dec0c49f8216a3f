"""The domain of a sender as its page shows it, while it is checked and afterwards."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from portal.deliverability import domains
from portal.deliverability.types import CheckName, Status, Subject
from portal.providers.dns import DkimFacts
from portal.services.actor import Actor, Role
from portal.services.domains.showing import in_order, shown
from portal.services.domains.starting import LOST_AFTER
from portal.services.domains.subjects import (
    about,
    checks_for,
    domain_of,
    problem_of,
    subject_of,
)
from portal.services.domains.types import (
    Change,
    CheckView,
    DomainView,
    LookedAt,
    Verdict,
    Verdicts,
)
from portal.services.domains.verdict import interrupted, verdict
from portal.services.domains.watched import number_in_use, provider_name
from portal.services.installation import Installation
from portal.services.reasons import words
from portal.services.senders.fields import SenderFields, stored_fields
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
    problem = problem_of(actor.installation, fields)
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
        in_use=number_in_use(sender),
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
        looked_at=_looked_at(actor.installation, fields, subject),
    )


def _looked_at(
    installation: Installation, fields: SenderFields, subject: Subject
) -> LookedAt:
    provider = installation.catalogue.get(fields.provider)
    outside = tuple(str(ip) for ip in subject.relay_ips)
    return LookedAt(
        selectors=subject.selectors,
        tokens=_tokens(provider.dkim if provider else None, subject.selectors),
        sends_itself=subject.sends_itself,
        relay_ips=outside,
        inner_ips=tuple(each for each in fields.relay_ips if each not in outside),
        blocklists=subject.blocklists,
    )


def _tokens(facts: DkimFacts | None, selectors: tuple[str, ...]) -> int | None:
    """A selector of the tenant's own key stands alone; a token does not."""
    if facts is None or not facts.all_required or not facts.selector_pattern:
        return None
    given = [each for each in selectors if re.fullmatch(facts.selector_pattern, each)]
    return facts.selector_count if given else None


def _without(
    sender: Sender, version: SenderVersion, domain: str, problem: str
) -> DomainView:
    return DomainView(
        sender_id=sender.public_id,
        version=version.number,
        in_use=None,
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
    there = {each.check for each in checks}
    return tuple(words.label(n) for n in checks_for(subject) if n not in there)


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
                at=datetime.fromisoformat(each["at"]) if "at" in each else row.at,
            )
            for each in row.changes
        ),
    )
