"""Where a mail came in: the hop at which its receiver took it from somebody else."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import takewhile

from portal.mail.received.families import family, is_microsofts
from portal.mail.received.hops import Hop, hop
from portal.mail.received.reading import Field
from portal.mail.received.results import Results, results

Organization = Callable[[str], str | None]
Block = tuple[Hop | None, list[Field]]
MOST_READ = 50  # fields of results
RESULTS, SPF = "authentication-results", "received-spf"
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
# Names of no public host (RFC 6762 §G, and .internal as ICANN keeps it).
_NOWHERE = frozenset(
    (
        "local",
        "localhost",
        "localdomain",
        "internal",
        "intranet",
        "lan",
        "home",
        "corp",
        "private",
        "arpa",
    )
)


def blocks_of(fields: Iterable[Field]) -> list[Block]:
    """Each Received field with those directly below it; the first block has none."""
    found: list[Block] = [(None, [])]
    for each in fields:
        if each.name == "received":
            found.append((hop(each.text), []))
        else:
            found[-1][1].append(each)
    return found


def border_of(blocks: list[Block], organization: Organization) -> int | None:
    """The first hop that took the mail from somebody else, or that says what it found
    out: receivers do that where the mail comes in."""
    for at in range(1, len(blocks)):
        received, below = blocks[at]
        if received is None:
            continue
        above = any(each.name in (RESULTS, SPF) for each in run_of(blocks[at - 1][1]))
        says = any(
            is_of(each.by, received.by, organization) for each in read(run_of(below))
        )
        if received.is_private:
            # A server of the house, or the world seen through a router's address.
            before = blocks[at + 1][0] if at + 1 < len(blocks) else None
            is_border = _is_foreign(before, received, organization)
        else:
            is_border = above or bool(says and received.address)
        if is_border or not _is_inside(received, organization):
            return at
    return len(blocks) - 1 if len(blocks) > 1 else None


def run_of(below: list[Field]) -> list[Field]:
    """As far down as a receiver writes."""
    return list(takewhile(lambda field: field.name not in _AUTHORS, below))


def read(fields: Iterable[Field]) -> list[Results]:
    found = [each for each in fields if each.name == RESULTS]
    return [results(each.text) for each in found[:MOST_READ]]


def is_of(name: str, host: str | None, organization: Organization) -> bool:
    if not name or not host:
        return False
    if name.lower() == host:
        return True
    mine = family(organization(name.lower().rstrip(".")))
    return mine is not None and mine == family(organization(host))


def _is_foreign(before: Hop | None, hop: Hop, organization: Organization) -> bool:
    """Whether what came before was certainly no server of the same house."""
    if before is None:
        return True
    hosts = [each.by or "" for each in (hop, before)]
    if any(host.rpartition(".")[2] in _NOWHERE for host in hosts):
        return False
    mine, theirs = map(family, map(organization, hosts))
    return mine is not None and theirs is not None and mine != theirs


def _is_inside(received: Hop, organization: Organization) -> bool:
    """Handed on between servers of one receiver."""
    if received.is_submission:
        return False
    if received.peer is None or received.is_retrieval or received.is_private:
        return True
    if received.address is None or received.is_local_delivery:
        return is_of(received.peer, received.by, organization)
    # What the other side calls itself it may have made up.
    if received.reverse is None and not is_microsofts(received.address):
        return False
    return is_of(received.reverse or received.peer, received.by, organization)
