"""How much each sender may take now: its limits a minute, an hour and a day.

Counted in recipients, since most providers do and one mail to fifty would
otherwise pass for one; in the transaction of the claim, so for all processes.
A limit never fails a mail: it waits, and no attempt is counted.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from portal.services import windows
from portal.services.outbox import standing
from portal.services.outbox.lanes import Lane, Means
from portal.services.outbox.sql import at, fetch, loaded, places
from portal.services.outbox.standing import Standing
from portal.services.outbox.timing import Timing
from portal.services.senders.kinds import RouteKind
from portal.services.windows import PACE, window
from portal.store.database import locking, statement

SPANS_S = {"per_minute": 60, "per_hour": 3600, "per_day": 86_400}
ENDLESS = 2**31

_SENDERS = (
    "SELECT v.id, v.sender_id, v.settings -> 'pacing', s.held_until, s.share,"
    " s.throttled_at, s.failures FROM sender_version v"
    " LEFT JOIN standing s ON s.name = 'sender ' || v.sender_id WHERE v.id IN ({ids})"
)
_BEGIN = (
    "INSERT INTO standing (name, share, throttles, failures) VALUES (?, 100, 0, 0)"
    " ON CONFLICT DO NOTHING"
)
_LOCK = "SELECT name FROM standing WHERE name IN ({names}) ORDER BY name FOR UPDATE"


@dataclass(slots=True, kw_only=True)
class Allowance:
    """What one sender may still take, in recipients; `taken` is spent at the end."""

    name: str | None = None  # of its standing; None: nothing is counted here
    limits: tuple[tuple[int, int], ...] = ()  # seconds, recipients
    held_until: datetime | None = None
    share: int = standing.WHOLE
    connections: int | None = None  # as the sender says
    is_ailing: bool = False  # it failed the last time, or more often
    room: int = ENDLESS
    wait_s: int = 0  # until there is room again
    taken: int = 0

    @property
    def is_open(self) -> bool:
        return self.room > 0

    def take(self, wanted: int) -> int:
        """How many of these it may have; they count as taken."""
        given = min(wanted, self.room)
        self.room -= given
        self.taken += given
        return given


def allowances(
    lanes: Collection[Lane], here: datetime, means: Means, timing: Timing
) -> dict[Lane, Allowance]:
    """For each of these lanes, the rows of those with limits locked."""
    found = {lane: Allowance() for lane in lanes}
    own = [lane for lane in lanes if lane.version_id is not None and not lane.captured]
    found |= _of_senders(own, here, timing) if own else {}
    for lane in lanes:
        if lane.route is RouteKind.PLATFORM:
            found[lane] = _of_platform(means, here, timing)
    _measure([each for each in found.values() if each.limits and each.is_open], here)
    return found


def hold_spent(found: Iterable[Allowance], here: datetime) -> None:
    """Say until when those wait that their limits hold back, for all who look."""
    for each in found:
        if each.name and each.wait_s and each.held_until is None:
            standing.hold(each.name, here + timedelta(seconds=each.wait_s))


def spend(found: Iterable[Allowance], here: datetime) -> None:
    """Count what was taken; in the transaction that took it."""
    for each in found:
        for length_s, _ in each.limits if each.taken else ():
            counted = {_counter(each, length_s): each.taken}
            windows.add(counted, window(here, length_s).begin)


def _of_senders(
    lanes: Collection[Lane], here: datetime, timing: Timing
) -> dict[Lane, Allowance]:
    by_version = {lane.version_id: lane for lane in lanes}
    found = {}
    sql = _SENDERS.format(ids=places(by_version))
    for version_id, sender_id, pacing, held, share, throttled, failures in fetch(
        sql, *by_version
    ):
        row = Standing(
            held_until=at(held),
            share=standing.WHOLE if share is None else share,
            throttled_at=at(throttled),
            failures=failures or 0,
        )
        asked: Mapping[str, Any] = loaded(pacing) or {}
        limits = {SPANS_S[name]: asked.get(name) for name in SPANS_S}
        name = standing.name_of(sender_id)
        allowance = _allowance(name, limits, row, here, timing)
        allowance.connections = asked.get("max_connections")
        found[by_version[version_id]] = allowance
    return found


def _of_platform(means: Means, here: datetime, timing: Timing) -> Allowance:
    limits = {SPANS_S["per_hour"]: means.per_hour}
    row = standing.read(standing.PLATFORM)
    return _allowance(standing.PLATFORM, limits, row, here, timing)


def _allowance(
    name: str,
    limits: Mapping[int, int | None],
    row: Standing,
    here: datetime,
    timing: Timing,
) -> Allowance:
    share = standing.share_of(row, here, timing)
    held = row.held_until if row.held_until and row.held_until > here else None
    return Allowance(
        name=name,
        limits=tuple(
            (length_s, max(most * share // standing.WHOLE, 1))
            for length_s, most in limits.items()
            if most
        ),
        held_until=held,
        share=share,
        is_ailing=row.failures > 0,
        room=0 if held else ENDLESS,
    )


def _measure(limited: Collection[Allowance], here: datetime) -> None:
    """The room that the windows leave. Two claims of one sender go one after the
    other from here on."""
    if not limited:
        return
    if locking():
        names = sorted({str(each.name) for each in limited})
        for name in names:
            statement(_BEGIN, name)
        fetch(_LOCK.format(names=places(names)), *names)
    for length_s in sorted(
        {length_s for each in limited for length_s, _ in each.limits}
    ):
        _measure_window(limited, length_s, here)


def _measure_window(
    limited: Collection[Allowance], length_s: int, here: datetime
) -> None:
    now = window(here, length_s)
    names = [_counter(each, length_s) for each in limited]
    used, earlier = windows.look(names, now.begin), windows.look(names, now.earlier)
    for each, name in zip(limited, names, strict=True):
        limit = dict(each.limits).get(length_s)
        if limit is None:
            continue
        counted = used.get(name, 0), earlier.get(name, 0)
        room = now.room(limit, *counted)
        each.room = min(each.room, room)
        if not room:
            each.wait_s = max(each.wait_s, now.wait_s(limit - 1, *counted))


def _counter(allowance: Allowance, length_s: int) -> str:
    return f"{PACE}{allowance.name}:{length_s}"
