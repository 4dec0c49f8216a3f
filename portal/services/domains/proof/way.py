"""The way of a received mail, hop by hop: whose clock is to be believed, who was slow."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from portal.deliverability.types import Status
from portal.mail.received.hops import Hop
from portal.services.domains.proof.hosts import short
from portal.services.domains.proof.types import HopView

SLOW_S = 60


def way_of(hops: Sequence[Hop], border: Hop | None) -> tuple[HopView, ...]:
    """The oldest first: each with what it took since the one before, or with what its
    clock is off by."""
    oldest_first = list(reversed(hops))
    dated = [(at, hop.at) for at, hop in enumerate(oldest_first) if hop.at is not None]
    right = dict(_in_order(dated))
    found: list[HopView] = []
    before: datetime | None = None
    is_arrived = False
    for at, hop in enumerate(oldest_first):
        took = off = None
        if at in right:
            took = _seconds(before, right[at]) if before else None
            before = right[at]
        elif hop.at is not None:
            after = next((when for place, when in right.items() if place > at), hop.at)
            off = _seconds(before if before and hop.at < before else after, hop.at)
        status, encryption = _encryption(hop, is_inside=hop.is_private or is_arrived)
        found.append(
            HopView(
                peer=short(_named(hop)),
                by=short(hop.by or "somebody"),
                at=hop.at,
                took_s=took,
                off_s=off,
                is_slow=took is not None and took > SLOW_S,
                status=status,
                encryption=encryption,
                is_border=hop == border,
            )
        )
        is_arrived = is_arrived or hop == border
    return tuple(found)


def total_s(way: Sequence[HopView]) -> int | None:
    """From the first hop to the last whose clocks agree."""
    took = [hop.took_s for hop in way if hop.took_s is not None]
    return sum(took) if took else None


def _in_order(dated: list[tuple[int, datetime]]) -> list[tuple[int, datetime]]:
    """As many as do not contradict each other: a mail moves forward in time, and who
    says otherwise has a clock that is wrong."""
    chains: list[list[tuple[int, datetime]]] = []
    for each in dated:
        fitting = (chain for chain in chains if chain[-1][1] <= each[1])
        chains.append([*max(fitting, key=len, default=[]), each])
    return max(chains, key=len, default=[])


def _seconds(before: datetime, after: datetime) -> int:
    return round((after - before).total_seconds())


def _named(hop: Hop) -> str:
    name = hop.reverse or hop.peer or ""
    if hop.address is None or str(hop.address) == name:
        return name
    return f"{name} [{hop.address}]"


def _encryption(hop: Hop, *, is_inside: bool) -> tuple[Status, str]:
    if hop.tls:
        old = hop.tls in ("TLS 1.0", "TLS 1.1")  # RFC 8996
        return (Status.WARN if old else Status.PASS), hop.tls
    if hop.is_encrypted:
        return Status.PASS, "encrypted"
    if hop.is_encrypted is None:
        return Status.INFO, "not told"
    # Within a house it is nothing that the sender could mend.
    return (Status.INFO, "inside") if is_inside else (Status.WARN, "cleartext")
