"""Whose word counts: the results of the server that took the mail in, and no others.

A sender may write any field into its mail. What stands above the Received field of
the receiver's first server came after it; directly below, receivers remove results
that claim to be theirs (RFC 8601 §5). Everything further down is hearsay.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from portal.mail.received import Field, ReceivedMail
from portal.mail.received_border import (
    MOST_READ,
    SPF,
    Organization,
    blocks_of,
    border_of,
    is_of,
    read,
    run_of,
)
from portal.mail.received_hops import Hop
from portal.mail.received_results import Result, Results
from portal.mail.received_spf import spf_result


@dataclass(frozen=True, slots=True, kw_only=True)
class Trusted:
    """`border` is the hop that took the mail from outside; None where the header
    names no hop, so that nothing has a place. `ignored` names those that wrote
    results which do not count."""

    border: Hop | None
    results: tuple[Result, ...]
    by: str | None
    ignored: tuple[str, ...]

    def of(self, method: str) -> tuple[Result, ...]:
        """Of SPF that of the envelope: DMARC takes no other where there is one."""
        found = tuple(each for each in self.results if each.method == method)
        if method != "spf":
            return found
        return tuple(each for each in found if each.is_of_envelope) or found


def trusted(mail: ReceivedMail, organization: Organization) -> Trusted:
    """`organization` tells whose a host is."""
    blocks = blocks_of(mail.fields)
    border = border_of(blocks, organization)
    if border is None:
        said = tuple(each.by for each in read(mail.fields))
        return Trusted(border=None, results=(), by=None, ignored=said)
    received, below = blocks[border]
    above = [field for _, fields in blocks[:border] for field in run_of(fields)]
    mine = read(above)
    run = run_of(below)
    others: list[Results] = []
    is_told = bool(read(blocks[border - 1][1]))
    for each in read(run):
        ours = received is not None and is_of(each.by, received.by, organization)
        # Who writes above does not write below, but for a filter that only signs.
        (mine if ours and not (is_told and _tells_more(each)) else others).append(each)
    others += read(below[len(run) :])
    others += read(f for _, fields in blocks[border + 1 :] for f in fields)
    return Trusted(
        border=received,
        results=_once([*mine, *_spf(above)]),
        by=mine[0].by if mine else None,
        ignored=tuple(each.by for each in others),
    )


def _tells_more(told: Results) -> bool:
    return any(each.method != "dkim" for each in told.results)


def _spf(fields: Iterable[Field]) -> list[Results]:
    """RFC 7208 §9.1: above the Received field of who found it out. Results that come
    with those of other methods go before these."""
    found = [spf_result(each.text) for each in fields if each.name == SPF]
    told = tuple(one for each in found[:MOST_READ] for one in each.results)
    return [Results(by="", results=told)] if told else []


def _once(found: list[Results]) -> tuple[Result, ...]:
    """The topmost that tells of a method is the latest; another that tells of it too
    may have come with the mail."""
    told: set[str] = set()
    kept: list[Result] = []
    for each in found:
        kept += [one for one in each.results if one.method not in told]
        told |= {one.method for one in each.results}
    return tuple(kept)
