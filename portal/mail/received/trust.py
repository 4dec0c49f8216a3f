"""Whose word counts: the results of the server that took the mail in, and no others.

A sender may write any field into its mail. What stands above the Received field of
the receiver's first server came after it; directly below, receivers remove results
that claim to be theirs (RFC 8601 §5). Everything further down is hearsay.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from portal.mail.received.border import (
    MOST_READ,
    RESULTS,
    SPF,
    Block,
    Organization,
    blocks_of,
    border_of,
    is_of,
    read,
    run_of,
)
from portal.mail.received.hops import Hop
from portal.mail.received.reading import Field, ReceivedMail
from portal.mail.received.results import Result, Results, results
from portal.mail.received.spf import spf_result

_NAME = re.compile(r"[\w.:-]{1,255}")
_JUDGED = frozenset(("spf", "dkim", "dmarc"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Trusted:
    """`border` is the hop that took the mail from outside; None where the header
    names no hop, so that nothing has a place. `ignored` names those that wrote
    results which do not count, `offered` those of them that stand directly in front
    of the border: who knows them for a gateway of their own may choose to trust them.
    """

    border: Hop | None
    results: tuple[Result, ...]
    by: str | None
    ignored: tuple[str, ...]
    offered: tuple[str, ...] = ()
    is_chosen: bool = False

    def of(self, method: str) -> tuple[Result, ...]:
        """Of SPF that of the envelope: DMARC takes no other where there is one."""
        found = tuple(each for each in self.results if each.method == method)
        if method != "spf":
            return found
        return tuple(each for each in found if each.is_of_envelope) or found


def trusted(
    mail: ReceivedMail, organization: Organization, *, chosen: str | None = None
) -> Trusted:
    """`organization` tells whose a host is; `chosen` is one of those offered, whose
    word counts in place of the receiver's."""
    blocks = blocks_of(mail.fields)
    border = border_of(blocks, organization)
    if border is None:
        said = tuple(each.by for each in read(mail.fields))
        return Trusted(border=None, results=(), by=None, ignored=said)
    rest = _without_own(blocks[border:], organization)
    before = None if mail.texts("list-id") else border_of(rest, organization)
    gate = _told(rest, before, organization) if before else None
    offered = tuple(_offered(gate, blocks[border][0], organization)) if gate else ()
    if gate and chosen in offered:
        mine = [each for each in gate.mine if each.by == chosen]
        return replace(_trusted(gate, mine), is_chosen=True)
    told = _told(blocks, border, organization)
    return replace(_trusted(told, told.mine), offered=offered)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """By those around the server that took the mail in, by others, and of SPF alone."""

    border: Hop | None
    mine: list[Results]
    others: list[Results]
    spf: list[Results]


def _trusted(told: _Told, mine: list[Results]) -> Trusted:
    return Trusted(
        border=told.border,
        results=_once([*mine, *told.spf]),
        by=mine[0].by if mine else None,
        ignored=tuple(each.by for each in told.others),
    )


def _offered(
    gate: _Told, border: Hop | None, organization: Organization
) -> Iterator[str]:
    """Not the relay of the author, who handed the mail over there. What claims to be
    the receiver's own is nobody's gateway: it is forged."""
    if gate.border is None or gate.border.peer is None or gate.border.is_submission:
        return
    own = border.by if border else None
    judged = (each for each in gate.mine if _JUDGED & {r.method for r in each.results})
    for name in dict.fromkeys(each.by for each in judged):
        if _NAME.fullmatch(name) and not is_of(name, own, organization):
            yield name


def _without_own(blocks: list[Block], organization: Organization) -> list[Block]:
    """What the receiver wrote below its hop says nothing of who stood before it."""
    (received, below), *rest = blocks
    own = received.by if received else None
    kept = [each for each in below if not is_of(_writer(each), own, organization)]
    return [(received, kept), *rest]


def _writer(field: Field) -> str:
    if field.name == RESULTS:
        return results(field.text).by
    return spf_result(field.text).by if field.name == SPF else ""


def _told(blocks: list[Block], border: int, organization: Organization) -> _Told:
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
    return _Told(border=received, mine=mine, others=others, spf=_spf(above))


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
