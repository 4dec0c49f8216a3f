"""Whose mail a claim may take now: what is due, each tenant in its turn."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, zip_longest

from portal.services.outbox import pacing
from portal.services.outbox.lanes import Lane, Means, Room
from portal.services.outbox.pacing import Allowance
from portal.services.outbox.sql import fetch, places
from portal.services.outbox.timing import Timing
from portal.store.fields import micros

_HANDED_OVER = (
    "SELECT m.id, route.active_version_id, v.provider"
    " FROM message m JOIN route ON route.tenant_id = m.tenant_id"
    " LEFT JOIN sender_version v ON v.id = route.active_version_id"
    " WHERE m.id IN ({ids}) ORDER BY m.id"
)
_TENANTS = (
    "SELECT t.id, route.active_version_id, v.provider"
    " FROM tenant t JOIN route ON route.tenant_id = t.id"
    " LEFT JOIN sender_version v ON v.id = route.active_version_id"
    " WHERE EXISTS (SELECT 1 FROM recipient r WHERE r.tenant_id = t.id"
    " AND r.state IN ('queued', 'deferred') AND r.next_at <= ? AND r.cancel_asked = ?)"
)
_OLDEST = (
    "SELECT message_id FROM recipient WHERE tenant_id = ?"
    " AND state IN ('queued', 'deferred') AND next_at <= ? AND cancel_asked = ?"
    " ORDER BY next_at LIMIT ?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """`lanes` by message id, in the order of taking. `more`: something else is due
    that only lacks room in this process."""

    lanes: dict[int, Lane]
    allowed: dict[Lane, Allowance]
    more: bool


def choose(
    *, ids: Sequence[int], at: datetime, means: Means, room: Room, timing: Timing
) -> Choice:
    """`ids` are a hand-over in memory; without them the tenants take turns."""
    found = _handed_over(ids, means) if ids else _tenants(at, means)
    allowed = pacing.allowances({lane for _, lane in found}, at, means, timing)
    pacing.hold_spent(allowed.values(), at)
    found = [(key, lane) for key, lane in found if allowed[lane].is_open]
    waiting, more = (found, False) if ids else _in_turn(found, at, room)
    chosen = dict(_fitting(waiting, room))
    return Choice(
        lanes=chosen, allowed=allowed, more=more or len(chosen) < len(dict(waiting))
    )


def _handed_over(ids: Sequence[int], means: Means) -> list[tuple[int, Lane]]:
    rows = fetch(_HANDED_OVER.format(ids=places(ids)), *ids)
    return [(row[0], means.lane(row[1], row[2])) for row in rows]


def _tenants(at: datetime, means: Means) -> list[tuple[int, Lane]]:
    """Those with something due, in an order that changes."""
    rows = fetch(_TENANTS, micros(at), False)
    found = [(row[0], means.lane(row[1], row[2])) for row in rows]
    random.shuffle(found)
    return found


def _in_turn(
    tenants: Sequence[tuple[int, Lane]], at: datetime, room: Room
) -> tuple[list[tuple[int, Lane]], bool]:
    """One message of each tenant, then a second one of each: who queued a thousand
    does not stand before who queued one, on a shared lane either."""
    open_ones = [(key, lane) for key, lane in tenants if room.of(lane)]
    share = -(-room.total // max(len(open_ones), 1))
    rows, more = [], len(open_ones) < len(tenants)
    for tenant_id, lane in open_ones:
        limit = min(share, room.of(lane))
        found = fetch(_OLDEST, tenant_id, micros(at), False, limit)
        more = more or len(found) == limit
        rows.append([(row[0], lane) for row in found])
    return list(dict.fromkeys(_woven(rows))), more


def _woven(
    rows: Iterable[Sequence[tuple[int, Lane]]],
) -> Iterator[tuple[int, Lane]]:
    turns = chain.from_iterable(zip_longest(*rows))
    return (each for each in turns if each is not None)


def _fitting(
    waiting: Iterable[tuple[int, Lane]], room: Room
) -> Iterator[tuple[int, Lane]]:
    left, total = dict(room.left), room.total
    for message_id, lane in waiting:
        here = min(left.get(lane, room.each), room.of(lane))
        if total > 0 and here > 0:
            left[lane] = here - 1
            total -= 1
            yield message_id, lane
