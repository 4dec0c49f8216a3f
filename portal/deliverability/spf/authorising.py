"""Does the record let this sender send: its provider's terms, its own addresses."""

from __future__ import annotations

from dataclasses import dataclass, field

from portal.deliverability import patterns
from portal.deliverability.asking import Asking
from portal.deliverability.spf import relays
from portal.deliverability.spf.merging import NOTHING, Change, bare
from portal.deliverability.spf.slips import corrected
from portal.deliverability.spf.terms import BadRecord, Mechanism, parse
from portal.deliverability.spf.tree import Node, State, evaluated
from portal.deliverability.types import SpfExpected, Status, Subject

LONGEST = 300  # characters of a term that may be a provider's
_NOTHING = SpfExpected()


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """`change` is what lets the sender in; `relays` what a receiver says of each
    address, `errors` why it could say nothing."""

    reasons: dict[str, Status] = field(default_factory=dict)
    errors: dict[str, Status] = field(default_factory=dict)
    change: Change = NOTHING
    relays: dict[str, str] = field(default_factory=dict)


def expected(subject: Subject) -> SpfExpected:
    return subject.spf or _NOTHING


def wanted_terms(subject: Subject) -> tuple[str, ...]:
    """What a record of this sender has to hold."""
    own = (relays.ip_term(ip) for ip in subject.relay_ips)
    terms = (*expected(subject).includes, *_also(subject), *own)
    return tuple(dict.fromkeys(terms)) or expected(subject).usual


async def missing(asking: Asking, subject: Subject, top: Node) -> Missing:
    own = await relays.evaluated(asking, subject, top.domain)
    absent = await _absent(asking, subject, top)
    reasons: dict[str, Status] = {}
    if absent:
        reasons["spf_provider_not_authorised"] = Status.FAIL
    if own.refused:
        reasons["spf_relay_ip_not_authorised"] = Status.FAIL
    return Missing(
        reasons=reasons,
        errors=own.errors,
        change=Change(
            terms=(*absent, *own.terms(top)),
            first=own.given_up,
            without=own.unneeded(top),
        ),
        relays=own.told,
    )


async def _absent(asking: Asking, subject: Subject, top: Node) -> tuple[str, ...]:
    """Terms of the provider that are nowhere in the tree. What could not be asked may
    hold them, so then nothing is missing."""
    spf = expected(subject)
    there = _letting_in(top, top)
    if any(_may_hold_it(node) for node in top.passing):
        return ()
    also = tuple(term for term in _also(subject) if term.lower() not in there)
    if any(_fits(term, there) for term in (*spf.includes, *spf.accept)):
        return also
    if await leads_to_provider(asking, subject, top):
        return also
    if spf.includes:
        return (*spf.includes, *also)
    if spf.accept and not subject.relay_ips:
        return (*spf.usual, *also)
    return also


def is_wanted(subject: Subject, term: str) -> bool:
    """Whether it is one of the provider's, also as a redirect."""
    spf = expected(subject)
    there = {bare(term).replace("redirect=", "include:"), bare(term)}
    return any(_fits(each, there) for each in (*spf.includes, *spf.accept))


def _may_hold_it(node: Node) -> bool:
    """Nobody answered, or the name of the record depends on the mail."""
    return node.state in (State.UNKNOWN, State.MACRO)


def lacking_in(subject: Subject, texts: tuple[str, ...]) -> tuple[str, ...]:
    """Of `wanted_terms`, what several or broken records do not say already."""
    spf = expected(subject)
    there = {term.lstrip("+") for text in texts for term in _said(text)}
    known = any(_fits(term, there) for term in (*spf.includes, *spf.accept))
    return tuple(
        term
        for term in wanted_terms(subject)
        if term.lower() not in there and not (known and term in spf.includes)
    )


def _said(text: str) -> tuple[str, ...]:
    """The terms of a record as they are meant; a redirect is an include, and nothing
    beside `all` (RFC 7208 §6.1)."""
    terms = tuple(term.lower() for term in corrected(text))
    if any(bare(term) == "all" for term in terms):
        return tuple(term for term in terms if not term.startswith("redirect="))
    return tuple(term.replace("redirect=", "include:") for term in terms)


def _also(subject: Subject) -> tuple[str, ...]:
    """Those of `also_required` that are terms, not words for people."""
    return tuple(term for term in expected(subject).also_required if _is_term(term))


def _is_term(text: str) -> bool:
    try:
        return bool(parse(f"v=spf1 {text}").mechanisms) and " " not in text
    except BadRecord:
        return False


def _letting_in(node: Node, top: Node) -> set[str]:
    """Terms whose match is a pass of this record. The first of its kind decides, so
    that nobody comes in by `mx` behind `?mx`, or behind a `?include` of it."""
    if node.parsed is None:  # what several or broken ones say counts when mended
        return {bare(term) for text in node.texts for term in text.split()}
    behind = {each.term: _letting_in(each, top) for each in node.children}
    decided: dict[str, bool] = {}
    for mechanism in evaluated(node.parsed):
        names = {_meant(mechanism, node, top)} | behind.get(mechanism.text, set())
        for name in names:
            decided.setdefault(name, mechanism.qualifier == "+")
    if node.parsed.redirect and node.parsed.all is None:
        term = f"redirect={node.parsed.redirect}"
        names = {term.lower(), term.lower().replace("redirect=", "include:")}
        for name in names | behind.get(term, set()):
            decided.setdefault(name, True)
    return {name for name, passes in decided.items() if passes}


def _meant(mechanism: Mechanism, node: Node, top: Node) -> str:
    """`mx:shop.example` and `mx/24` hold what `mx` of shop.example does; that of
    another domain is another."""
    name = bare(mechanism.text)
    if mechanism.name not in ("a", "mx"):
        return name
    named = (mechanism.domain or node.domain).lower().rstrip(".")
    return mechanism.name if named in (top.domain, "%{d}") else f"{name} of {named}"


def _fits(term: str, there: set[str]) -> bool:
    return any(
        patterns.fits(each, term.lstrip("+")) for each in there if len(each) <= LONGEST
    )


async def leads_to_provider(asking: Asking, subject: Subject, top: Node) -> bool:
    """A return path that is an alias of the provider's is the provider's to fill."""
    path = subject.usual_path
    if path is None or expected(subject).evaluated_at == "from_domain":
        return False
    answer = await asking.ask(top.domain, "TXT")
    return any(
        _fits(record.value, set(answer.aliases))
        for record in (*path.records, *path.alternatives)
        if record.type == "CNAME"
    )
