"""A report on a domain for a terminal: what is wrong, why it matters, what to publish."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from portal.deliverability.telling import check_json
from portal.deliverability.types import Check, Fix, Report, Status
from portal.services.reasons import words
from portal.services.reasons.older import older
from portal.services.reasons.types import Reason
from portal.services.reasons.where import where_of

_MARKS = {"pass": "✓", "warn": "!", "fail": "✗", "unknown": "?", "info": "·"}
_WIDTH = 88
_LONGEST = 200  # characters of a record that was found
_FINE = (Status.PASS, Status.INFO)


def lines(made: Report, provider: str | None) -> Iterator[str]:
    """`provider` by the name that people know."""
    width = max(len(check.check) for check in made.checks)
    for check in made.checks:
        reasons = ", ".join(check.reasons)
        yield f"{_MARKS[check.status]} {check.check:<{width}}  {check.status}: {reasons}"
        yield from _details(made, check, provider, " " * (width + 4))
    yield f"{made.domain}: {made.status}"


def _details(
    made: Report, check: Check, provider: str | None, indent: str
) -> Iterator[str]:
    filled = words.words_of(
        check.facts,
        domain=made.domain,
        provider=provider,
        where=where_of(check.check, check_json(check), made.domain),
    )
    for each in check.reasons:
        told = _sentences(words.reason(each, filled), check.status)
        yield from _wrapped(" ".join(told), indent)
    yield from _wrapped(older(check.facts) or "", indent)
    for text in check.found:
        yield f"{indent}found    {_shown(text)}"
    published = {fix.value for fix in check.fixes}
    if check.expected and check.status not in _FINE and check.expected not in published:
        yield f"{indent}expected {_shown(check.expected)}"
    for fix in check.fixes:
        yield from _to_publish(fix, indent)


def _to_publish(fix: Fix, indent: str) -> Iterator[str]:
    """In one line and in full, to be copied."""
    yield f"{indent}publish  {fix.name} {fix.type} {words.plain(fix.value)}"
    host = f"In the zone's own panel its name is {fix.host}, TTL {fix.ttl}."
    yield from _wrapped(" ".join(filter(None, (host, fix.note))), indent + " " * 9)


def _sentences(reason: Reason, status: Status) -> Iterator[str]:
    """What it means; why that matters and what to do, where something is not right."""
    told = [reason.title]
    if status not in _FINE:
        told += [reason.why, reason.remedy or ""]
    for each in filter(None, told):
        yield each if each.endswith((".", "!", "?")) else f"{each}."


def _wrapped(text: str, indent: str) -> list[str]:
    return textwrap.wrap(
        text,
        _WIDTH,
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _shown(text: str) -> str:
    clean = words.plain(text)
    return clean if len(clean) <= _LONGEST else f"{clean[:_LONGEST]}…"
