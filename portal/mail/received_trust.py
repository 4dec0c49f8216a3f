"""Whose word counts: the results of the server that took the mail in, and no others.

A sender may write any field into its mail. What stands above the Received field of
the receiver's first server came after it; directly below, receivers remove results
that claim to be theirs (RFC 8601 §5). Everything further down is hearsay.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from portal.mail.received import Field, ReceivedMail
from portal.mail.received_hops import Hop, hop
from portal.mail.received_results import Result, Results, results

Organization = Callable[[str], str | None]
_OURS = "authentication-results"


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
        return tuple(each for each in self.results if each.method == method)


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
    others: list[Results] = []
    for each in _read(below):
        ours = received is not None and _is_of(each.by, received.by, organization)
        (mine if ours else others).append(each)
    further = [f for _, fields in blocks[border + 1 :] for f in fields]
    others += _read(further)
    return Trusted(
        border=received,
        results=_once(mine),
        by=mine[0].by if mine else None,
        ignored=tuple(each.by for each in others),
    )


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
        outside = received.address is not None and received.address.is_global
        says = outside and any(
            _is_of(each.by, received.by, organization) for each in _read(below)
        )
        above = _read(blocks[at - 1][1])
        if above or says or not _is_inside(received, organization):
            return at
    return len(blocks) - 1 if len(blocks) > 1 else None


def _is_inside(received: Hop, organization: Organization) -> bool:
    """Handed on between servers of one receiver."""
    if received.is_submission:
        return False
    if received.peer is None:
        return True
    if received.address is not None and not received.address.is_global:
        return True
    name = received.reverse or received.peer
    return _is_of(name, received.by, organization)


def _is_of(name: str, host: str | None, organization: Organization) -> bool:
    if not name or not host:
        return False
    if name.lower() == host:
        return True
    mine, theirs = organization(name.lower().rstrip(".")), organization(host)
    return mine is not None and mine == theirs


def _read(fields: Iterable[Field]) -> list[Results]:
    return [results(each.text) for each in fields if each.name == _OURS]


def _once(found: list[Results]) -> tuple[Result, ...]:
    """The topmost that tells of a method is the latest; another that tells of it too
    may have come with the mail."""
    told: set[str] = set()
    kept: list[Result] = []
    for each in found:
        kept += [one for one in each.results if one.method not in told]
        told |= {one.method for one in each.results}
    return tuple(kept)
