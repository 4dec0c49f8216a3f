"""Whose word counts: the results of the server that took the mail in, and no others.

A sender may write any field into its mail. What stands above the Received field of
the receiver's first server came after it; directly below, receivers remove results
that claim to be theirs (RFC 8601 §5). Everything further down is hearsay.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import takewhile

from portal.mail.received import Field, ReceivedMail
from portal.mail.received_families import family, is_microsofts
from portal.mail.received_hops import Hop, hop
from portal.mail.received_results import Result, Results, results
from portal.mail.received_spf import spf_result

Organization = Callable[[str], str | None]
MOST_READ = 50  # fields of results
_OURS, _SPF = "authentication-results", "received-spf"
# What the author or its relay wrote: a receiver puts nothing of its own below these.
_AUTHORS = frozenset(
    [
        "from",
        "to",
        "cc",
        "subject",
        "date",
        "message-id",
        "reply-to",
        "sender",
        "mime-version",
        "content-type",
        "content-transfer-encoding",
        "dkim-signature",
        "list-id",
        "list-unsubscribe",
    ]
)


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
    blocks = _blocks(mail.fields)
    border = _border(blocks, organization)
    if border is None:
        said = tuple(each.by for each in _read(mail.fields))
        return Trusted(border=None, results=(), by=None, ignored=said)
    received, below = blocks[border]
    above = [field for _, fields in blocks[:border] for field in fields]
    mine = _read(above)
    run = list(takewhile(lambda field: field.name not in _AUTHORS, below))
    others: list[Results] = []
    is_told = bool(mine)
    for each in _read(run):
        ours = received is not None and _is_of(each.by, received.by, organization)
        # Who writes above does not write below, but for a filter that only signs.
        (mine if ours and not (is_told and _tells_more(each)) else others).append(each)
    others += _read(below[len(run) :])
    others += _read(f for _, fields in blocks[border + 1 :] for f in fields)
    return Trusted(
        border=received,
        results=_once([*mine, *_spf(above)]),
        by=mine[0].by if mine else None,
        ignored=tuple(each.by for each in others),
    )


def _tells_more(told: Results) -> bool:
    return any(each.method != "dkim" for each in told.results)


def _blocks(fields: Iterable[Field]) -> list[tuple[Hop | None, list[Field]]]:
    """Each Received field with those directly below it; the first block has none."""
    found: list[tuple[Hop | None, list[Field]]] = [(None, [])]
    for each in fields:
        if each.name == "received":
            found.append((hop(each.text), []))
        else:
            found[-1][1].append(each)
    return found


def _border(
    blocks: list[tuple[Hop | None, list[Field]]], organization: Organization
) -> int | None:
    """The first hop that took the mail from somebody else, or that says what it found
    out: receivers do that where the mail comes in."""
    for at in range(1, len(blocks)):
        received, below = blocks[at]
        if received is None:
            continue
        outside = received.address is not None and not received.is_private
        says = outside and any(
            _is_of(each.by, received.by, organization) for each in _read(below)
        )
        above = any(each.name in (_OURS, _SPF) for each in blocks[at - 1][1])
        if above or says or not _is_inside(received, organization):
            return at
    return len(blocks) - 1 if len(blocks) > 1 else None


def _is_inside(received: Hop, organization: Organization) -> bool:
    """Handed on between servers of one receiver."""
    if received.is_submission:
        return False
    if received.peer is None or received.is_retrieval or received.is_private:
        return True
    if received.address is None:
        return _is_of(received.peer, received.by, organization)
    # What the other side calls itself it may have made up.
    if received.reverse is None and not is_microsofts(received.address):
        return False
    return _is_of(received.reverse or received.peer, received.by, organization)


def _is_of(name: str, host: str | None, organization: Organization) -> bool:
    if not name or not host:
        return False
    if name.lower() == host:
        return True
    mine = family(organization(name.lower().rstrip(".")))
    return mine is not None and mine == family(organization(host))


def _read(fields: Iterable[Field]) -> list[Results]:
    found = [each for each in fields if each.name == _OURS]
    return [results(each.text) for each in found[:MOST_READ]]


def _spf(fields: Iterable[Field]) -> list[Results]:
    """RFC 7208 §9.1: above the Received field of who found it out. Results that come
    with those of other methods go before these."""
    found = [spf_result(each.text) for each in fields if each.name == _SPF]
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
