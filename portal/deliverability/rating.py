"""From reasons to a status: the worst of them decides."""

from __future__ import annotations

from collections.abc import Iterable

from portal.deliverability.types import Status

# From the worst to the best: a status is the first that one of its reasons has.
_ORDER = (Status.FAIL, Status.UNKNOWN, Status.WARN, Status.PASS, Status.INFO)


def worst(statuses: Iterable[Status]) -> Status:
    """Of reasons of one check; a known fault counts more than what is not known."""
    found = set(statuses)
    return next((each for each in _ORDER if each in found), Status.PASS)


def ordered(reasons: dict[str, Status]) -> tuple[str, ...]:
    """The main reason first; else in the order in which they were found."""
    return tuple(sorted(reasons, key=lambda reason: _ORDER.index(reasons[reason])))
