"""How often something may happen: counted in the database, for all processes."""

from __future__ import annotations

from datetime import datetime, timedelta
from math import ceil

from portal.errors import TooMany
from portal.services.installation import Installation
from portal.store.database import statement, transaction
from portal.store.fields import instant, micros, now
from portal.store.models import Counter

PREFIX = "limit:"
LONGEST = timedelta(days=2)
_SECOND = 1_000_000
_SPEND = (
    "INSERT INTO counter (name, window_at, used) VALUES (?, ?, ?)"
    " ON CONFLICT (name, window_at) DO UPDATE SET used = counter.used + excluded.used"
    " RETURNING used"
)
_LOOK = "SELECT used FROM counter WHERE name = ? AND window_at = ?"


def spend(
    installation: Installation,
    name: str,
    *,
    limit: int,
    window_s: int,
    cost: int = 1,
    sentence: str = "Too many at once. Try again {when}.",
) -> None:
    """Count one use of `name`, or refuse: at most `limit` in any `window_s`.

    Two fixed windows are weighed into a sliding one. `{when}` in the sentence
    becomes "in 3 minutes". Raises TooMany, and then nothing is counted.
    """
    if not installation.settings.limits:
        return
    at = now()
    begin, gone_s = _window(at, window_s)
    with transaction():
        used = _add(PREFIX + name, begin, cost)
        earlier = _used(PREFIX + name, begin - timedelta(seconds=window_s))
        if used + earlier * (1 - gone_s / window_s) > limit:
            wait_s = _wait_s(used - cost, earlier, gone_s, limit - cost, window_s)
            raise TooMany(
                sentence.replace("{when}", _when(wait_s)), retry_after_s=wait_s
            )


def forgive(name: str, *, window_s: int) -> None:
    """Forget the uses of `name`: whoever was counted has shown to be welcome."""
    begin, _ = _window(now(), window_s)
    Counter.delete().where(
        Counter.name == PREFIX + name,
        Counter.window_at >= begin - timedelta(seconds=window_s),
    ).execute()


def give_back(name: str, *, window_s: int, cost: int = 1) -> None:
    """Take back one use that did not happen after all."""
    begin, _ = _window(now(), window_s)
    Counter.update(used=Counter.used - cost).where(
        Counter.name == PREFIX + name,
        Counter.window_at == begin,
        Counter.used >= cost,
    ).execute()


def sweep() -> int:
    """Remove what no window looks at any more; for the schedule."""
    old = Counter.name.startswith(PREFIX) & (Counter.window_at < now() - LONGEST)
    return int(Counter.delete().where(old).execute())


def _window(at: datetime, window_s: int) -> tuple[datetime, float]:
    """When the present window began, and how many of its seconds are over."""
    length = window_s * _SECOND
    begin = micros(at) // length * length
    return instant(begin), (micros(at) - begin) / _SECOND


def _add(name: str, begin: datetime, cost: int) -> int:
    """One statement, so that of two at once neither is lost."""
    return int(statement(_SPEND, name, micros(begin), cost).fetchone()[0])


def _used(name: str, begin: datetime) -> int:
    row = statement(_LOOK, name, micros(begin)).fetchone()
    return int(row[0]) if row else 0


def _wait_s(used: int, earlier: int, gone_s: float, room: int, window_s: int) -> int:
    """Seconds until the sliding count leaves room again, rounded up."""
    left_s = window_s - gone_s
    if used <= room and earlier:
        # The earlier window fades: used + earlier * (left - t) / window <= room.
        return max(1, ceil(left_s - (room - used) * window_s / earlier))
    if used <= 0:
        return max(1, ceil(left_s))
    # This window becomes the earlier one and fades in its turn.
    return max(1, ceil(left_s + window_s - max(room, 0) * window_s / used))


def _when(wait_s: int) -> str:
    if wait_s < 100:
        return "in a minute" if wait_s > 50 else f"in {wait_s} seconds"
    if wait_s < 5400:
        return f"in {ceil(wait_s / 60)} minutes"
    return f"in {ceil(wait_s / 3600)} hours"
