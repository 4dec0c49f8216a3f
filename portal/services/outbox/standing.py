"""How senders stand with their relays: held back, slowed down, failing in a row.

One row a sender, for all processes of a database. Throttling halves the share of
its pace that a sender may use and holds its queue for a while; the share rises
again while no relay complains (additive increase, multiplicative decrease).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from portal.services.outbox.rows import moment
from portal.services.outbox.sql import at, change, fetch
from portal.services.outbox.timing import Timing
from portal.store.database import locking, statement
from portal.store.fields import micros

PLATFORM = "platform"
WHOLE = 100  # percent
LEAST = 5

_HOLD = (
    "SELECT s.held_until, s.held_why, s.share, s.throttles, s.throttled_at, s.failures,"
    " s.failed_at FROM route r"
    " LEFT JOIN sender_version v ON v.id = r.active_version_id"
    " JOIN standing s ON s.name ="
    " CASE WHEN v.id IS NULL THEN 'platform' ELSE 'sender ' || v.sender_id END"
    " WHERE r.tenant_id = ? AND s.held_until > ?"
)
_BEGIN = (
    "INSERT INTO standing (name, share, throttles, failures) VALUES (?, 100, 0, 0)"
    " ON CONFLICT DO NOTHING"
)
_ROW = (
    "SELECT held_until, held_why, share, throttles, throttled_at, failures, failed_at"
    " FROM standing WHERE name = ?"
)


class Hold(StrEnum):
    """Why the queue of a sender stands still, though nothing is wrong with it."""

    PACE = "pace"  # its own limits
    THROTTLE = "throttle"  # the relay asked for it


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    held_until: datetime | None = None
    held_why: str | None = None
    share: int = WHOLE
    throttles: int = 0
    throttled_at: datetime | None = None
    failures: int = 0
    failed_at: datetime | None = None


def name_of(sender_id: int) -> str:
    return f"sender {sender_id}"


def read(name: str) -> Standing:
    """As the row says; the one of whoever never had any trouble where there is none."""
    rows = fetch(_ROW, name)
    return _standing(rows[0]) if rows else Standing()


def hold_of(tenant_id: int) -> Standing | None:
    """What holds the queue of this tenant's mail now; None where nothing does."""
    rows = fetch(_HOLD, tenant_id, micros(moment()))
    return _standing(rows[0]) if rows else None


def hold(name: str, until: datetime) -> None:
    """Its own limits are used up until then. A longer hold stays."""
    statement(_BEGIN, name)
    shorter = "name = ? AND (held_until IS NULL OR held_until < ?)"
    held = {"held_until": until, "held_why": str(Hold.PACE)}
    change("standing", held, shorter, name, micros(until))


def throttle(name: str, timing: Timing) -> timedelta:
    """The relay wants less: half the share, and a pause, which is the answer.

    Mails that were under way together are throttled once.
    """
    here, row = moment(), _locked(name)
    if row.held_why == Hold.THROTTLE and row.held_until and row.held_until > here:
        return row.held_until - here
    again = row.throttled_at is not None and share_of(row, here, timing) < WHOLE
    throttles = row.throttles + 1 if again else 1
    pause = timing.throttle_pause(throttles)
    changes = {
        "held_until": here + pause,
        "held_why": str(Hold.THROTTLE),
        "share": max(share_of(row, here, timing) // 2, LEAST),
        "throttles": throttles,
        "throttled_at": here,
    }
    change("standing", changes, "name = ?", name)
    return pause


def failed(name: str, timing: Timing, *, alone: bool) -> int:
    """One more failure in a row; how many that makes.

    Mails that were under way together are one trouble, also when several
    processes sent them, unless each failed `alone`, by an answer of its own.
    """
    here, row = moment(), _locked(name)
    if row.failures and row.failed_at is not None and not alone:
        pause_s = timing.breaker_pause_s(row.failures) * 0.9
        if timedelta() <= here - row.failed_at < timedelta(seconds=pause_s):
            return row.failures
    changes = {"failures": row.failures + 1, "failed_at": here}
    change("standing", changes, "name = ?", name)
    return row.failures + 1


def works(name: str) -> None:
    """The relay let it in and spoke of a mail: nothing is in a row any more."""
    change("standing", {"failures": 0}, "name = ? AND failures > 0", name)


def clamp(furthest: datetime) -> int:
    """A hold beyond this is a clock's doing."""
    late = micros(furthest)
    return change("standing", {"held_until": None}, "held_until > ?", late)


def share_of(row: Standing, here: datetime, timing: Timing) -> int:
    """The percent of its pace that a sender may use now."""
    if row.throttled_at is None or row.share >= WHOLE:
        return WHOLE
    gone_s = max((here - row.throttled_at).total_seconds(), 0)
    risen = int(gone_s / timing.throttle_rise_s) * timing.throttle_rise
    return min(row.share + risen, WHOLE)


def _locked(name: str) -> Standing:
    statement(_BEGIN, name)
    return _standing(fetch(_ROW + (" FOR UPDATE" if locking() else ""), name)[0])


def _standing(row: tuple[Any, ...]) -> Standing:
    held_until, held_why, share, throttles, throttled_at, failures, failed_at = row
    return Standing(
        held_until=at(held_until),
        held_why=held_why,
        share=share,
        throttles=throttles,
        throttled_at=at(throttled_at),
        failures=failures,
        failed_at=at(failed_at),
    )
