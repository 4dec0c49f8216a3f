"""All records that the SPF of a domain leads to, and what a check of it can cost.

The worst case: every term is counted though a receiver stops at the first that
matches. Names with macros depend on the mail and are not asked for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from portal.deliverability.asking import Asking
from portal.deliverability.spf.terms import (
    LOOKED_UP,
    NO_PASS,
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
    `crowded` those of more mail hosts than a receiver looks at. `home` is the name
    that holds the record, another where `domain` is an alias; `lost` are names of its
    own terms, and why they are not known."""

    domain: str
    home: str
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
    lost: tuple[tuple[str, Answered], ...] = ()
    children: tuple[Node, ...] = ()

    @property
    def all_below(self) -> Iterator[Node]:
        """This one, then all below, in the order of evaluation."""
        yield self
        for child in self.children:
            yield from child.all_below

    @property
    def passing(self) -> Iterator[Node]:
        """Those of `all_below` whose pass is one: what `?include:` and the like lead
        to never lets anybody in."""
        yield self
        for child in self.children:
            if child.may_pass:
                yield from child.passing

    @property
    def may_pass(self) -> bool:
        return (self.term or "")[:1] not in NO_PASS

    @property
    def is_redirect(self) -> bool:
        return (self.term or "").startswith("redirect=")

    @property
    def chain(self) -> tuple[Node, ...]:
        """From here along the redirects; the last one ends the evaluation."""
        behind = [child for child in self.children if child.is_redirect]
        return (self, *(behind[0].chain if behind else ()))

    def own_void(self) -> tuple[Mechanism, ...]:
        """Its own terms that find nothing."""
        if self.parsed is None:
            return ()
        return tuple(
            each for each in evaluated(self.parsed) if _told(each, self) in self.void
        )


class _Room:
    """What one tree may still ask: records are hostile, and each may name many."""

    def __init__(self, asking: Asking, instead: Mapping[str, str]) -> None:
        self.ask = asking.ask
        self._instead = instead
        self._records, self._empty = MOST_RECORDS, MOST_EMPTY

    async def texts(self, name: str) -> Records:
        """Those that are there, or would be."""
        answer = await self.ask(name, "TXT")
        home = answer.aliases[-1] if answer.aliases else name
        text = self._instead.get(name) or self._instead.get(home)
        if text is None:
            return answer
        others = tuple(each for each in answer.records if not is_spf(each))
        return replace(answer, answered=Answered.OK, records=(*others, text))

    def has_record(self) -> bool:
        self._records -= 1
        return self._records >= 0

    def has_empty(self) -> bool:
        self._empty -= 1
        return self._empty >= 0


async def walk(
    asking: Asking, domain: str, instead: Mapping[str, str] | None = None
) -> Node:
    """`instead`: SPF records as if they were those of these names."""
    return await _node(_Room(asking, instead or {}), domain, None, ())


async def _node(
    asking: _Room, domain: str, term: str | None, above: tuple[str, ...]
) -> Node:
    node = Node(domain=domain, home=domain, term=term, state=State.OK)
    if "%" in domain:
        return replace(node, state=State.MACRO)
    if domain in above:
        return replace(node, state=State.LOOP)
    if len(above) > DEEPEST or not asking.has_record():
        return replace(node, state=State.TOO_DEEP)
    node = _answered(node, await asking.texts(domain))
    if node.parsed is None:
        return node
    return await _with_children(asking, node, node.parsed, (*above, domain))


def _answered(node: Node, answer: Records) -> Node:
    """With its record, or why there is none that can be read."""
    node = replace(
        node,
        home=answer.aliases[-1] if answer.aliases else node.domain,
        texts=tuple(text for text in answer.records if is_spf(text)),
        answered=answer.answered,
    )
    if not answer.answered.is_known:
        return replace(node, state=State.UNKNOWN)
    if len(node.texts) != 1:
        return replace(node, state=State.MULTIPLE if node.texts else State.NONE)
    try:
        parsed = parse(node.texts[0])
    except BadRecord as error:
        return replace(node, state=State.SYNTAX, bad_term=error.term)
    # RFC 7208 §3.4: the name and the text of all records of this type.
    octets = len(node.domain) + sum(len(text.encode()) for text in answer.records)
    return replace(node, parsed=parsed, octets=octets)


async def _with_children(
    asking: _Room, node: Node, parsed: Parsed, path: tuple[str, ...]
) -> Node:
    reached = evaluated(parsed)
    leads = [(each.text, each.domain) for each in reached if each.name == "include"]
    if parsed.redirect and parsed.all is None:
        leads.append((f"redirect={parsed.redirect}", parsed.redirect))
    children, poor = await asyncio.gather(
        asyncio.gather(
            *(_node(asking, _plain(to or ""), text, path) for text, to in leads)
        ),
        _poor(asking, reached, node),
    )
    own = sum(each.name in LOOKED_UP for each in reached) + sum(
        text.startswith("redirect=") for text, _ in leads
    )
    return replace(
        node,
        lookups=own + sum(child.lookups for child in children),
        void=(*poor.void, *(name for child in children for name in child.void)),
        crowded=(*poor.crowded, *(n for child in children for n in child.crowded)),
        lost=poor.lost,
        children=tuple(children),
    )


def evaluated(parsed: Parsed) -> tuple[Mechanism, ...]:
    """Those that are ever looked at: up to the first `all` (RFC 7208 §5.1)."""
    if parsed.all is None:
        return parsed.mechanisms
    return parsed.mechanisms[: parsed.mechanisms.index(parsed.all)]


@dataclass(frozen=True, slots=True)
class _Poor:
    void: tuple[str, ...]
    crowded: tuple[str, ...]
    lost: tuple[tuple[str, Answered], ...]


async def _poor(asking: _Room, mechanisms: tuple[Mechanism, ...], node: Node) -> _Poor:
    """Terms that find nothing, those that find too much (RFC 7208 §4.6.4), and why
    nothing is known of others."""
    named = [
        each
        for each in mechanisms
        if each.name in _KINDS and "%" not in (each.domain or "")
    ]
    named = [each for each in named if asking.has_empty()]
    found = await asyncio.gather(
        *(_found(asking, each.name, _named(each, node)) for each in named)
    )
    pairs = [
        (_told(each, node), each, got) for each, got in zip(named, found, strict=True)
    ]
    return _Poor(
        tuple(told for told, _, got in pairs if got == 0),
        tuple(
            told
            for told, each, got in pairs
            if each.name == "mx" and isinstance(got, int) and got > MOST_HOSTS
        ),
        tuple(
            (_named(each, node), got)
            for _, each, got in pairs
            if isinstance(got, Answered)
        ),
    )


async def _found(asking: _Room, term: str, name: str) -> int | Answered:
    """How many records, or why nobody knows; A and AAAA of one term count once."""
    answers = await asyncio.gather(*(asking.ask(name, kind) for kind in _KINDS[term]))
    records = sum(len(each.records) for each in answers)
    lost = [each.answered for each in answers if not each.answered.is_known]
    return lost[0] if lost and not records else records


def _told(mechanism: Mechanism, node: Node) -> str:
    return f"{mechanism.name}:{_named(mechanism, node)}"


def _named(mechanism: Mechanism, node: Node) -> str:
    return _plain(mechanism.domain or node.domain)


def _plain(name: str) -> str:
    return name if "%" in name else name.lower().rstrip(".")
