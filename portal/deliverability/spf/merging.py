"""One SPF record in place of those that are there: what all say, ended well."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from portal.deliverability.spf.slips import corrected, parsed
from portal.deliverability.spf.terms import NO_PASS, is_open

_USUAL_ENDING = "~all"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """`terms` are to stand in the record, before all that refuses or shrugs, or `first`
    of all; `without` leave it, a redirect `unfollowed` goes on as an include, and a
    record where there was none ends with `ending`."""

    terms: tuple[str, ...] = ()
    first: bool = False
    without: Collection[str] = ()
    unfollowed: bool = False
    ending: str = _USUAL_ENDING


NOTHING = Change()


def merged_spf(texts: tuple[str, ...], change: Change = NOTHING) -> str:
    """What nobody can read is left out, and so is what lets everybody in. Records that
    end in different ways end softly: nobody's mail is to be refused by the merging."""
    read = [_read(text, change) for text in texts]
    ends = [each.end for each in read if each.end]
    leads = _once([each.redirect for each in read if each.redirect])
    terms = [term for each in read for term in each.terms]
    end: list[str] = leads
    if ends or len(leads) != 1 or change.unfollowed:
        terms += [f"include:{lead.partition('=')[2]}" for lead in leads]
        end = [_ending(ends) if texts else change.ending]
    return " ".join(["v=spf1", *_once(_with(change, terms)), *end])


@dataclass(frozen=True, slots=True)
class _Record:
    terms: tuple[str, ...]
    end: str | None  # the first of its kind decides
    redirect: str | None  # None too where an end stands beside it (RFC 7208 §6.1)


def _read(text: str, change: Change) -> _Record:
    left = {each.lower() for each in change.without}
    said = corrected(text)
    sound = [each for each in said if each.lower() not in left and _is_sound(each)]
    end = next((term for term in sound if _is_all(term)), None)
    lead = next((term for term in sound if _is_redirect(term)), None)
    return _Record(
        tuple(each for each in sound if not (_is_all(each) or _is_redirect(each))),
        end,
        None if end else lead,
    )


def _ending(ends: list[str]) -> str:
    soft = [end for end in ends if not end.startswith("-")]
    if ends and not soft:
        return ends[0]
    return soft[0] if len(ends) == 1 and soft[0][0] == "~" else _USUAL_ENDING


def _with(change: Change, terms: list[str]) -> list[str]:
    """What says the opposite goes, and there is one explanation (RFC 7208 §6)."""
    named = {bare(term) for term in change.terms}
    told = [term for term in terms if term.lower().startswith("exp=")]
    kept = [
        term
        for term in terms
        if term not in told[1:] and not (bare(term) in named and term[0] in NO_PASS)
    ]
    stops = (n for n, term in enumerate(kept) if term[0] in NO_PASS or change.first)
    at = next(stops, len(kept))
    return [*kept[:at], *change.terms, *kept[at:]]


def _is_sound(term: str) -> bool:
    read = parsed(term)
    if read is None:
        return False
    return _is_all(term) or not any(map(is_open, read.mechanisms))


def _is_all(term: str) -> bool:
    return bare(term) == "all"


def _is_redirect(term: str) -> bool:
    return term.lower().startswith("redirect=")


def bare(term: str) -> str:
    """Without its qualifier, which `+mx` and `mx` differ in alone."""
    return term.lower().lstrip("+-~?")


def _once(terms: list[str]) -> list[str]:
    """By what they mean: `+mx` is `mx`."""
    known: dict[str, str] = {}
    for term in terms:
        known.setdefault(term.lower().removeprefix("+"), term)
    return list(known.values())
