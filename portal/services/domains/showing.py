"""A check as it is kept, and as it is shown: words beside what was found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from portal.deliverability.telling import LONGEST, check_json
from portal.deliverability.types import Check, CheckName, Fix, Status
from portal.services.domains.types import CheckView, LastKnown
from portal.services.reasons import words
from portal.services.reasons.where import where_of

MOST_FOUND = 20  # records of one check that are kept
DEEPEST = 40  # levels of what a check tells; an SPF tree has two for each include
ORDER = list(CheckName)


def kept(check: Check) -> dict[str, Any]:
    """Its JSON, bounded, as both databases take it."""
    made = check_json(check)
    made["found"] = made["found"][:MOST_FOUND]
    clean: dict[str, Any] = _clean(made, DEEPEST)
    return clean


def shown(
    told: Mapping[str, Any],
    *,
    domain: str,
    provider: str | None,
    known: Mapping[str, Any],
) -> CheckView:
    """`told` is what `kept` made; `known` the last states of all checks."""
    name, status = CheckName(told["check"]), Status(told["status"])
    where = where_of(name, told, domain)
    filled = words.words_of(
        told["facts"], domain=domain, provider=provider, where=where
    )
    reasons = tuple(words.reason(each, filled) for each in told["reasons"])
    return CheckView(
        check=name,
        label=words.label(name),
        status=status,
        where=where,
        title=reasons[0].title if reasons else "",
        reasons=reasons,
        found=tuple(told["found"]),
        expected=told["expected"],
        expects=words.expected(name, filled),
        fixes=tuple(Fix(**each) for each in told["fixes"]),
        rules=words.rules(name, tuple(told["reasons"])),
        facts=told["facts"],
        last_known=_last(known.get(name)) if is_open(status, told["reasons"]) else None,
        json=told,
    )


def is_open(status: Status, reasons: Sequence[str]) -> bool:
    """Nobody could tell; a block list that does not answer us says nothing either,
    whatever others say, unless one of them has an address."""
    silent = "blocklist_query_refused" in reasons and status is not Status.FAIL
    return status is Status.UNKNOWN or silent


def in_order(checks: list[CheckView]) -> tuple[CheckView, ...]:
    return tuple(sorted(checks, key=lambda each: ORDER.index(each.check)))


def _last(known: Mapping[str, Any] | None) -> LastKnown | None:
    if known is None:
        return None
    return LastKnown(
        status=Status(known["status"]),
        title=known["title"],
        at=datetime.fromisoformat(known["at"]),
    )


def _clean(value: Any, depth: int) -> Any:
    """PostgreSQL takes no NUL, and nobody reads the end of what is too long. What
    cannot be seen, or turns the direction of a line, would hide what is there."""
    if isinstance(value, str):
        return words.plain(value[:LONGEST])
    if depth <= 0:
        return None
    if isinstance(value, Mapping):
        return {_clean(k, depth): _clean(v, depth - 1) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(each, depth - 1) for each in value]
    return value
