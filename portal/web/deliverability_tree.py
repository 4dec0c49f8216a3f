"""The look-ups of an SPF record as a tree, each branch with what it costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from portal.deliverability.spf.terms import LOOKED_UP, BadRecord, parse

MOST_TERMS = 40  # of one record that are listed
_STATES = {
    "none": "no SPF record there",
    "multiple": "several SPF records there",
    "syntax": "no receiver can read it",
    "loop": "leads back to itself",
    "too_deep": "too deep to follow",
    "unknown": "nobody answered",
    "macro": "depends on the mail",
}
_HARMLESS = ("ok", "macro")


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """One term or record. `lookups` are its own and all below it."""

    words: str
    lookups: int
    state: str = ""
    trouble: str = ""
    heaviest: bool = False
    branches: tuple[Branch, ...] = field(default=())


def tree(told: Mapping[str, Any]) -> Branch:
    """`told` is the tree as a check of SPF tells it."""
    return _branch(told, words=str(told["domain"]), cost=0)


def _branch(told: Mapping[str, Any], *, words: str, cost: int) -> Branch:
    """`cost` is that of the term that leads here."""
    state = str(told["state"])
    return Branch(
        words=words,
        lookups=cost + int(told["lookups"] or 0),
        state="" if state in _HARMLESS else "warn",
        trouble=_STATES.get(state, ""),
        branches=_below(told),
    )


def _below(told: Mapping[str, Any]) -> tuple[Branch, ...]:
    """Every term in its order; one that leads to a record with that record below."""
    left = [each for each in told["branches"] or () if each]
    found: list[Branch] = []
    plain: list[str] = []
    for term, cost in _terms(told.get("record")):
        record = next((each for each in left if each["term"] == term), None)
        if record is None and not cost:
            plain.append(term)
            continue
        found += _gathered(plain)
        plain = []
        if record is None:
            found.append(Branch(words=term, lookups=cost))
        else:
            left.remove(record)
            found.append(_branch(record, words=term, cost=1))
    found += _gathered(plain)
    found += [_branch(each, words=str(each["term"]), cost=1) for each in left]
    heaviest = max((each.lookups for each in found), default=0)
    return tuple(_weighed(each, heaviest, found) for each in found)


def _terms(record: object) -> list[tuple[str, int]]:
    try:
        parsed = parse(str(record or ""))
    except BadRecord:
        return []
    terms = [(each.text, int(each.name in LOOKED_UP)) for each in parsed.mechanisms]
    if parsed.redirect and parsed.all is None:
        terms.append((f"redirect={parsed.redirect}", 1))
    return terms[:MOST_TERMS]


def _gathered(terms: list[str]) -> list[Branch]:
    """Terms that cost nothing stand in one line."""
    return [Branch(words=" ".join(terms), lookups=0)] if terms else []


def _weighed(branch: Branch, heaviest: int, beside: list[Branch]) -> Branch:
    """The one heaviest branch, where that says something."""
    alone = [each for each in beside if each.lookups == heaviest] == [branch]
    if heaviest < 3 or not alone or len(beside) < 2:
        return branch
    return Branch(
        words=branch.words,
        lookups=branch.lookups,
        state="warn",
        trouble=branch.trouble,
        heaviest=True,
        branches=branch.branches,
    )
