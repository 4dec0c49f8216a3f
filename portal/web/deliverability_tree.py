"""The look-ups of an SPF record as a tree, each branch with what it costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from portal.deliverability.spf.terms import LOOKED_UP, BadRecord, parse

MOST_TERMS = 40  # of one record that are listed
HEAVY = 4  # look-ups
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
    """`told` is the tree as a check of SPF tells it. Its heaviest branch is named."""
    top = _branch(told, words=str(told["domain"]), cost=0)
    return replace(top, branches=_weighed(top.branches))


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
    return tuple(found)


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


def _weighed(branches: tuple[Branch, ...]) -> tuple[Branch, ...]:
    """One is the heaviest only where it stands out and is worth a thought."""
    most = max((each.lookups for each in branches), default=0)
    alone = sum(each.lookups == most for each in branches) == 1
    if most < HEAVY or not alone or len(branches) < 2:
        return branches
    return tuple(
        replace(each, state="warn", heaviest=True) if each.lookups == most else each
        for each in branches
    )
