"""Names that somebody may have meant instead of one that does not exist."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from difflib import get_close_matches

from portal.deliverability.asking import Asking
from portal.deliverability.suffixes import organization
from portal.net.records import Answered

MOST = 12
# Where most mailboxes are, and so most slips.
_KNOWN = (
    *("gmail.com", "googlemail.com", "outlook.com", "hotmail.com", "live.com"),
    *("yahoo.com", "icloud.com", "aol.com", "proton.me", "gmx.net", "gmx.de", "web.de"),
)
_ALIKE = 0.8  # of difflib's ratio: two letters of ten
# Slips at the end of a name: neighbours on the keyboard, letters that changed places.
_ENDS = {
    "com": ("con", "cmo", "ocm", "vom", "xom", "cm", "om", "comm", "co", "coom"),
    "net": ("nte", "ent", "bet", "met", "ner", "nett"),
    "org": ("rog", "ogr", "orgg", "prg", "og", "or"),
    "de": ("ed", "dee", "dr"),
    "io": ("oi", "ioo"),
}


async def close_names(asking: Asking, domain: str) -> tuple[str, ...]:
    """Those that are there, the likeliest first."""
    names = list(dict.fromkeys(_likely(domain)))[:MOST]
    answers = await asyncio.gather(*(asking.ask(name, "SOA") for name in names))
    there = (Answered.OK, Answered.NODATA)
    return tuple(
        name
        for name, answer in zip(names, answers, strict=True)
        if answer.answered in there
    )


def _likely(domain: str) -> Iterator[str]:
    above = organization(domain)
    if above is not None and above != domain:
        yield above
    head, _, end = domain.rpartition(".")
    for meant, slips in _ENDS.items():
        if end in slips:
            yield f"{head}.{meant}"
    yield from get_close_matches(domain, _KNOWN, cutoff=_ALIKE)
    yield from _one_letter_apart(head, end)


def _one_letter_apart(head: str, end: str) -> Iterator[str]:
    """A `www.` in front, a letter twice that should be there once, and two letters
    that changed places."""
    if head.startswith("www."):
        yield f"{head.removeprefix('www.')}.{end}"
    for at in range(1, len(head)):
        if head[at] == head[at - 1]:
            yield f"{head[:at]}{head[at + 1 :]}.{end}"
    for at in range(1, len(head)):
        if head[at] != head[at - 1] and "." not in head[at - 1 : at + 1]:
            yield f"{head[: at - 1]}{head[at]}{head[at - 1]}{head[at + 1 :]}.{end}"
