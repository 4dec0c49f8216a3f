"""All records that the SPF of a domain leads to, and what a check of it can cost.

The worst case: every term is counted though a receiver stops at the first that
matches. Names with macros depend on the mail and are not asked for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
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
from portal.net.records import Answered, Records

DEEPEST = 10


class State(StrEnum):
    OK = "ok"
    NONE = "none"  # no such record, or no such name
    MULTIPLE = "multiple"
    SYNTAX = "syntax"
    LOOP = "loop"
    TOO_DEEP = "too_deep"
    UNKNOWN = "unknown"  # nobody answered
    MACRO = "macro"  # depends on the mail


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One record. `term` led here from above; None at the top. `lookups` are those of
    this record and all below, `void` the names among them that lead to nothing."""

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


async def walk(asking: Asking, domain: str) -> Node:
    return await _node(asking, domain, None, ())


async def _node(
    asking: Asking, domain: str, term: str | None, above: tuple[str, ...]
) -> Node:
    if "%" in domain:
        return Node(domain=domain, term=term, state=State.MACRO)
    if domain in above:
        return Node(domain=domain, term=term, state=State.LOOP)
    if len(above) > DEEPEST:
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
    asking: Asking,
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
    children, void = await asyncio.gather(
        asyncio.gather(
            *(_node(asking, _plain(to or ""), text, path) for text, to in leads)
        ),
        _void(asking, reached, path[-1]),
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
        children=tuple(children),
    )


def evaluated(parsed: Parsed) -> tuple[Mechanism, ...]:
    """Those that are ever looked at: up to the first `all` (RFC 7208 §5.1)."""
    if parsed.all is None:
        return parsed.mechanisms
    return parsed.mechanisms[: parsed.mechanisms.index(parsed.all)]


async def _void(
    asking: Asking, mechanisms: tuple[Mechanism, ...], domain: str
) -> tuple[str, ...]:
    """RFC 7208 §4.6.4; A and AAAA of one term count once."""
    named = [
        (each.name, _plain(each.domain or domain))
        for each in mechanisms
        if each.name in ("a", "mx") and "%" not in (each.domain or "")
    ]
    empty = await asyncio.gather(*(_is_void(asking, *each) for each in named))
    return tuple(
        f"{kind}:{name}"
        for (kind, name), void in zip(named, empty, strict=True)
        if void
    )


async def _is_void(asking: Asking, kind: str, name: str) -> bool:
    if kind == "mx":
        answers = [await asking.ask(name, "MX")]
    else:
        answers = list(
            await asyncio.gather(asking.ask(name, "A"), asking.ask(name, "AAAA"))
        )
    return all(each.answered.is_known and not each.records for each in answers)


def _plain(name: str) -> str:
    return name if "%" in name else name.lower().rstrip(".")
