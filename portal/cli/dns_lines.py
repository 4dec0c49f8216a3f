"""A report on a domain for a terminal: what is wrong, why it matters, what to publish."""

from __future__ import annotations

import re
import textwrap
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from portal.deliverability.types import Check, Fix, Report, Status

_MARKS = {"pass": "✓", "warn": "!", "fail": "✗", "unknown": "?", "info": "·"}
_WIDTH = 88
_LONGEST = 200  # characters of a record that was found
_FINE = (Status.PASS, Status.INFO)


def lines(made: Report) -> Iterator[str]:
    width = max(len(check.check) for check in made.checks)
    for check in made.checks:
        reasons = ", ".join(check.reasons)
        yield f"{_MARKS[check.status]} {check.check:<{width}}  {check.status}: {reasons}"
        yield from _details(made, check, " " * (width + 4))
    yield f"{made.domain}: {made.status}"


def _details(made: Report, check: Check, indent: str) -> Iterator[str]:
    for reason in check.reasons:
        yield from _wrapped(" ".join(_sentences(made, check, reason)), indent)
    for text in check.found:
        yield f"{indent}found    {_shown(text)}"
    published = {fix.value for fix in check.fixes}
    if check.expected and check.status not in _FINE and check.expected not in published:
        yield f"{indent}expected {_shown(check.expected)}"
    for fix in check.fixes:
        yield from _to_publish(fix, indent)


def _to_publish(fix: Fix, indent: str) -> Iterator[str]:
    """In one line and in full, to be copied."""
    yield f"{indent}publish  {fix.name} {fix.type} {_clean(fix.value)}"
    host = f"In the zone's own panel its name is {fix.host}, TTL {fix.ttl}."
    yield from _wrapped(" ".join(filter(None, (host, fix.note))), indent + " " * 9)


def _sentences(made: Report, check: Check, reason: str) -> Iterator[str]:
    """What it means; why that matters and what to do, where something is not right."""
    row = _words().get(reason, {})
    told = ["title"] if check.status in _FINE else ["title", "why", "remedy"]
    for each in told:
        if text := row.get(each):
            whole = _filled(made, check, text)
            end = "" if whole.endswith((".", "!", "?")) else "."
            yield (whole if text[0] == "{" else whole[:1].upper() + whole[1:]) + end


def _filled(made: Report, check: Check, text: str) -> str:
    """Words in braces out of the check, asides (`{of_…}`) where there is one word."""
    facts = check.facts
    host = str(facts.get("host") or facts.get("name") or made.domain)
    words = {
        "domain": made.domain,
        "provider": made.provider or "your relay",
        "where": host,
        "host": host,
        "lookups": str(facts.get("lookups", "Nearly all")),
        "void_lookups": str(facts.get("void_lookups", "Several")),
        "policy": f"p={facts.get('effective_policy') or 'none'}",
        "source": str(facts.get("source") or made.domain).removeprefix("_dmarc."),
        "of_said": f": {facts['said']}".rstrip(".") if facts.get("said") else "",
        "of_term": f": “{facts['term']}”" if facts.get("term") else "",
    }
    return re.sub(r"\{(\w+)\}", lambda found: _shown(words.get(found[1], "")), text)


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
    clean = _clean(text)
    return clean if len(clean) <= _LONGEST else f"{clean[:_LONGEST]}…"


def _clean(text: str) -> str:
    """Hostile words on a terminal: no control characters."""
    return "".join(each if each.isprintable() else "�" for each in text)


@cache
def _words() -> Mapping[str, Mapping[str, Any]]:
    """Those of the pages. Read as a file: their room needs a database."""
    path = files("portal.services").joinpath("domains", "words.toml")
    reasons: Mapping[str, Mapping[str, Any]] = tomllib.loads(
        path.read_text(encoding="utf-8")
    )["reason"]
    return reasons
