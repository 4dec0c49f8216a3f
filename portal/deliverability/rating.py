"""From reasons to a status, and from checks to the verdict."""

from __future__ import annotations

from collections.abc import Iterable

from portal.deliverability.types import Check, CheckName, Status, Subject

# From the worst to the best: a status is the first that one of its reasons has.
_ORDER = (Status.FAIL, Status.UNKNOWN, Status.WARN, Status.PASS, Status.INFO)
_REQUIRED = frozenset({CheckName.FROM_DOMAIN, CheckName.DKIM, CheckName.DMARC})


def worst(statuses: Iterable[Status]) -> Status:
    """Of reasons of one check; a known fault counts more than what is not known."""
    found = set(statuses)
    return next((each for each in _ORDER if each in found), Status.PASS)


def ordered(reasons: dict[str, Status]) -> tuple[str, ...]:
    """The main reason first; else in the order in which they were found."""
    return tuple(sorted(reasons, key=lambda reason: _ORDER.index(reasons[reason])))


def overall(subject: Subject, checks: list[Check]) -> Status:
    """A required check that fails fails all; anything else short of pass is a warning."""
    if any(c.status is Status.FAIL and _is_required(subject, c) for c in checks):
        return Status.FAIL
    poor = (Status.FAIL, Status.WARN, Status.UNKNOWN)
    return Status.WARN if any(c.status in poor for c in checks) else Status.PASS


def _is_required(subject: Subject, check: Check) -> bool:
    if check.check is CheckName.SPF:
        spf, path = subject.spf, subject.usual_path
        vital = path is not None and path.required
        return spf is None or spf.required_at_from_domain or vital
    return check.check in _REQUIRED
