"""What the watch makes of a report: what has turned, whom to tell, what is kept.

What could not be checked stays as it was last known: it turns nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC
from typing import Any

from portal.deliverability.rating import overall
from portal.deliverability.types import Check, CheckName, Status, Subject
from portal.services import alerts
from portal.services.actor import Actor
from portal.services.domains.showing import ORDER, is_open, kept, shown
from portal.services.domains.subjects import checks_for
from portal.services.domains.types import Change, CheckView
from portal.services.domains.verdict import named
from portal.services.domains.watched import is_in_use, provider_name, version_of
from portal.services.reasons.words import STATES, label
from portal.store.fields import now
from portal.store.models import DomainCheck, DomainVerdict, DomainWatch, Sender

# From good to bad, as far as a change may need somebody.
_RANKS = {Status.PASS: 0, Status.WARN: 1, Status.FAIL: 2}


def conclude(
    actor: Actor,
    row: DomainCheck,
    sender: Sender,
    subject: Subject,
    checks: Sequence[Check],
) -> tuple[Change, ...]:
    """In the transaction that ends the check: what has changed since the last one.
    A version that is not the watched one changes nothing."""
    if version_of(sender) != row.version_id:
        return ()
    watch = _watch(sender, row)
    provider = provider_name(subject)
    about = f"{subject.domain} {provider or ''}"[:320]
    if watch.subject != about:
        watch.subject, watch.known, watch.told = about, {}, {}
    watch.known = _still_asked(watch.known, subject)
    watch.told = _still_asked(watch.told, subject)
    views = [
        shown(kept(each), domain=row.domain, provider=provider, known={})
        for each in checks
    ]
    changes = tuple(_changes(watch.known, views))
    watch.known = {**watch.known, **_known(views)}
    alarms = watch.is_on and is_in_use(sender)
    told, again = _told(watch.told, changes, alarms)
    watch.told = told
    # Nothing but this: whoever marks the day or switches the watch does so beside it.
    DomainWatch.update(subject=watch.subject, known=watch.known, told=told).where(
        DomainWatch.sender == sender.id
    ).execute()
    _keep(sender, subject, checks, watch.known, changes)
    _tell(actor, sender, row.domain, watch, changes, again, views)
    return changes


def _watch(sender: Sender, row: DomainCheck) -> DomainWatch:
    DomainWatch.insert(
        sender=sender.id,
        version_id=row.version_id,
        due_at=now(),
        subject="",
        known={},
        told={},
    ).on_conflict_ignore().execute()
    return DomainWatch.get(DomainWatch.sender == sender.id)


def _still_asked(kept: Mapping[str, Any], subject: Subject) -> dict[str, Any]:
    """Without what this sender is not checked for any more: nobody would mend it."""
    asked = checks_for(subject)
    return {name: value for name, value in kept.items() if name in asked}


def _is_open(view: CheckView) -> bool:
    return is_open(view.status, [each.id for each in view.reasons])


def _changes(known: Mapping[str, Any], views: Sequence[CheckView]) -> list[Change]:
    found, at = [], now()
    for view in views:
        before = known.get(view.check)
        if _is_open(view) or before is None:
            continue
        was = Status(before["status"])
        if was is not view.status:
            sentence = f"{_headed(view)}; was {STATES[was]}"
            found.append(
                Change(
                    check=view.check,
                    before=was,
                    after=view.status,
                    sentence=sentence,
                    at=at,
                )
            )
    return sorted(found, key=lambda each: ORDER.index(each.check))


def _headed(view: CheckView) -> str:
    if view.status is Status.PASS:
        return f"{view.label}: in order"
    return named(view)


def _known(views: Sequence[CheckView]) -> dict[str, Any]:
    at = now().isoformat()
    return {
        str(view.check): {"status": view.status.value, "title": view.title, "at": at}
        for view in views
        if not _is_open(view)
    }


def _told(
    told: Mapping[str, Any], changes: Sequence[Change], alarms: bool
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """What is to be told, the turned ones by their check, and the labels of those
    that are as good again as they were. Who carries no mail alarms nobody, nor does
    one whose watch is off."""
    left, again = dict(told), []
    for change in changes:
        name, rank = str(change.check), _RANKS.get(change.after, 0)
        before = left.get(name)
        if before and rank <= _RANKS[Status(before["was"])]:
            del left[name]
            again.append(label(change.check))
        elif before or (alarms and rank > _RANKS.get(change.before, rank)):
            left[name] = {
                "was": before["was"] if before else change.before.value,
                "status": change.after.value,
                "sentence": change.sentence,
                "since": before["since"] if before else now().isoformat(),
            }
    return left, tuple(again)


def _keep(
    sender: Sender,
    subject: Subject,
    checks: Sequence[Check],
    known: Mapping[str, Any],
    changes: Sequence[Change],
) -> None:
    """One row a day, with all that changed in it."""
    at = now()
    day = at.astimezone(UTC).date().isoformat()
    merged = [_as_known(each, known) for each in checks]
    state = {
        "at": at,
        "status": overall(subject, merged).value,
        "statuses": {str(each.check): each.status.value for each in merged},
    }
    row = DomainVerdict.get_or_none(
        DomainVerdict.sender == sender.id, DomainVerdict.day == day
    )
    told = [
        {
            "check": str(each.check),
            "before": each.before.value,
            "after": each.after.value,
            "sentence": each.sentence,
            "at": each.at.isoformat(),
        }
        for each in changes
    ]
    if row is None:
        DomainVerdict.create(sender=sender.id, day=day, changes=told, **state)
        return
    DomainVerdict.update(changes=[*row.changes, *told], **state).where(
        DomainVerdict.id == row.id
    ).execute()


def _as_known(check: Check, known: Mapping[str, Any]) -> Check:
    last = known.get(check.check)
    if last is None or not is_open(check.status, check.reasons):
        return check
    return replace(check, status=Status(last["status"]))


def _tell(
    actor: Actor,
    sender: Sender,
    domain: str,
    watch: DomainWatch,
    changes: Sequence[Change],
    again: Sequence[str],
    views: Sequence[CheckView],
) -> None:
    turned = {
        each.check
        for each in changes
        if str(each.check) in watch.told and _is_worse(each)
    }
    by_name: dict[CheckName, CheckView] = {each.check: each for each in views}
    if turned and watch.is_on and is_in_use(sender):
        worst = [by_name[name] for name in ORDER if name in turned]
        worst.sort(key=lambda each: -_RANKS[each.status])
        alerts.domain_turned(actor, sender, domain=domain, notices=_notices(worst))
    if again and watch.is_on:
        left = [each["sentence"] for each in watch.told.values()]
        alerts.domain_in_order(actor, sender, domain=domain, checks=again, left=left)


def _is_worse(change: Change) -> bool:
    return _RANKS.get(change.after, 0) > _RANKS.get(change.before, 3)


def _notices(views: Sequence[CheckView]) -> tuple[alerts.Notice, ...]:
    return tuple(
        alerts.Notice(
            check=view.label,
            what=named(view),
            why=view.reasons[0].why,
            records=tuple(
                f"{fix.name} {fix.type} {fix.value}" for fix in view.fixes[:4]
            ),
            remedy=view.reasons[0].remedy or "",
        )
        for view in views
    )
