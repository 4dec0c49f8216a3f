"""All records that the SPF of a domain leads to, and what a check of it can cost.

The worst case: every term is counted though a receiver stops at the first that
matches. Names with macros depend on the mail and are not asked for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from portal.deliverability.asking import Asking
from portal.deliverability.spf.terms import (
    LOOKED_UP,
    BadRecord,
    Mechanism,
    Parsed,
    is_spf,
    parse,
)
from portal.net.records import Answered, Kind, Records

DEEPEST = 10
MOST_RECORDS = 16  # of one tree: beyond, a receiver has given up long before
MOST_EMPTY = 8  # terms whose names are looked at for being void
MOST_HOSTS = 10  # of one `mx` term (RFC 7208 §4.6.4)
_KINDS: Mapping[str, tuple[Kind, ...]] = {
    "a": ("A", "AAAA"),
    "mx": ("MX",),
    "exists": ("A",),
}


class State(StrEnum):
    OK = "ok"
    NONE = "none"  # no such record, or no such name
    MULTIPLE = "multiple"
    SYNTAX = "syntax"
    LOOP = "loop"
    TOO_DEEP = "too_deep"  # or too many before it
    UNKNOWN = "unknown"  # nobody answered
    MACRO = "macro"  # depends on the mail


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One record. `term` led here from above; None at the top. `lookups` are those of
    this record and all below, `void` the names among them that lead to nothing,
    `crowded` those of more mail hosts than a receiver looks at."""

    domain: str
    term: str | None
    state: State
    texts: tuple[str, ...] = ()
    bad_term: str | None = None
    answered: Answered = Answered.OK
    parsed: Parsed | None = None
    octets: int = 0
    lookups: int = 0
    void: tuple[str, ...] = ()
    crowded: tuple[str, ...] = ()
    children: tuple[Node, ...] = ()

    @property
    def all_below(self) -> Iterator[Node]:
        """This one, then all below, in the order of evaluation."""
        yield self
        for child in self.children:
            yield from child.all_below

    @property
    def ending(self) -> Mechanism | None:
        """The `all` that decides in the end, also behind a redirect."""
        if self.parsed is None:
            return None
        if self.parsed.all is not None or self.parsed.redirect is None:
            return self.parsed.all
        behind = [c for c in self.children if (c.term or "").startswith("redirect=")]
        return behind[0].ending if behind else None


class _Room:
    """What one tree may still ask: records are hostile, and each may name many."""

    def __init__(self, asking: Asking) -> None:
        self.ask = asking.ask
        self._records, self._empty = MOST_RECORDS, MOST_EMPTY

    def has_record(self) -> bool:
        self._records -= 1
        return self._records >= 0

    def has_empty(self) -> bool:
        self._empty -= 1
        return self._empty >= 0


async def walk(asking: Asking, domain: str) -> Node:
    return await _node(_Room(asking), domain, None, ())


async def _node(
    asking: _Room, domain: str, term: str | None, above: tuple[str, ...]
) -> Node:
    if "%" in domain:
        return Node(domain=domain, term=term, state=State.MACRO)
    if domain in above:
        return Node(domain=domain, term=term, state=State.LOOP)
    if len(above) > DEEPEST or not asking.has_record():
        return Node(domain=domain, term=term, state=State.TOO_DEEP)
    answer = await asking.ask(domain, "TXT")
    texts = tuple(text for text in answer.records if is_spf(text))
    if len(texts) != 1:
        return Node(
            domain=domain,
            term=term,
            state=_without_one(answer, texts),
            texts=texts,
            answered=answer.answered,
        )
    try:
        parsed = parse(texts[0])
    except BadRecord as error:
        return Node(
            domain=domain,
            term=term,
            state=State.SYNTAX,
            texts=texts,
            bad_term=error.term,
        )
    octets = sum(len(text.encode()) for text in answer.records)
    return await _with_children(
        asking, parsed, (*above, domain), term=term, texts=texts, octets=octets
    )


def _without_one(answer: Records, texts: tuple[str, ...]) -> State:
    if not answer.answered.is_known:
        return State.UNKNOWN
    return State.MULTIPLE if texts else State.NONE


async def _with_children(
    asking: _Room,
    parsed: Parsed,
    path: tuple[str, ...],
    *,
    term: str | None,
    texts: tuple[str, ...],
    octets: int,
) -> Node:
    reached = evaluated(parsed)
    leads = [(each.text, each.domain) for each in reached if each.name == "include"]
    if parsed.redirect and parsed.all is None:
        leads.append((f"redirect={parsed.redirect}", parsed.redirect))
    children, (void, crowded) = await asyncio.gather(
        asyncio.gather(
            *(_node(asking, _plain(to or ""), text, path) for text, to in leads)
        ),
        _poor(asking, reached, path[-1]),
    )
    own = sum(each.name in LOOKED_UP for each in reached) + sum(
        text.startswith("redirect=") for text, _ in leads
    )
    return Node(
        domain=path[-1],
        term=term,
        state=State.OK,
        texts=texts,
        parsed=parsed,
        octets=octets,
        lookups=own + sum(child.lookups for child in children),
        void=(*void, *(name for child in children for name in child.void)),
        crowded=(*crowded, *(name for child in children for name in child.crowded)),
        children=tuple(children),
    )


def evaluated(parsed: Parsed) -> tuple[Mechanism, ...]:
    """Those that are ever looked at: up to the first `all` (RFC 7208 §5.1)."""
    if parsed.all is None:
        return parsed.mechanisms
    return parsed.mechanisms[: parsed.mechanisms.index(parsed.all)]


async def _poor(
    asking: _Room, mechanisms: tuple[Mechanism, ...], domain: str
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Terms that find nothing, and those that find too much (RFC 7208 §4.6.4)."""
    named = [
        (each.name, _plain(each.domain or domain))
        for each in mechanisms
        if each.name in _KINDS and "%" not in (each.domain or "")
    ]
    named = [each for each in named if asking.has_empty()]
    counts = await asyncio.gather(*(_found(asking, *each) for each in named))
    texts = [f"{kind}:{name}" for kind, name in named]
    counted = list(zip(texts, named, counts, strict=True))
    return (
        tuple(text for text, _, count in counted if count == 0),
        tuple(t for t, (kind, _), n in counted if kind == "mx" and n > MOST_HOSTS),
    )


async def _found(asking: _Room, term: str, name: str) -> int:
    """How many records; A and AAAA of one term count once. What nobody knows is one."""
    answers = await asyncio.gather(*(asking.ask(name, kind) for kind in _KINDS[term]))
    unknown = any(not each.answered.is_known for each in answers)
    return sum(len(each.records) for each in answers) or int(unknown)


def _plain(name: str) -> str:
    return name if "%" in name else name.lower().rstrip(".")
