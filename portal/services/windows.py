"""Uses within a time, counted in fixed windows and weighed into a sliding one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil, floor

from portal.store.database import statement
from portal.store.fields import instant, micros

PACE = "pace:"  # what these names of counters begin with: a sender's own limits
_SECOND = 1_000_000
_AT_ONCE = 1000
_ADD = (
    "INSERT INTO counter (name, window_at, used) VALUES {rows}"
    " ON CONFLICT (name, window_at) DO UPDATE SET used = counter.used + excluded.used"
    " RETURNING name, used"
)
_LOOK = "SELECT name, used FROM counter WHERE window_at = ? AND name IN ({names})"


@dataclass(frozen=True, slots=True)
class Window:
    """The present window of this length: when it began, how much of it is over."""

    begin: datetime
    gone_s: float
    length_s: int

    @property
    def earlier(self) -> datetime:
        return self.begin - timedelta(seconds=self.length_s)

    def weighed(self, used: int, earlier: int) -> float:
        """What counts now: this window's, and the part of the earlier one that has
        not faded yet."""
        return used + earlier * (1 - self.gone_s / self.length_s)

    def room(self, limit: int, used: int, earlier: int) -> int:
        return max(floor(limit - self.weighed(used, earlier)), 0)

    def wait_s(self, room: int, used: int, earlier: int) -> int:
        """Seconds until what counts has fallen to `room`, rounded up."""
        left_s = self.length_s - self.gone_s
        if used <= room and earlier:
            # The earlier one fades: used + earlier * (left - t) / length <= room.
            return max(1, ceil(left_s - (room - used) * self.length_s / earlier))
        if used <= 0:
            return max(1, ceil(left_s))
        # This window becomes the earlier one and fades in its turn.
        faded_s = max(room, 0) * self.length_s / used
        return max(1, ceil(left_s + self.length_s - faded_s))


def window(at: datetime, length_s: int) -> Window:
    length = length_s * _SECOND
    begin = micros(at) // length * length
    return Window(instant(begin), (micros(at) - begin) / _SECOND, length_s)


def add(costs: Mapping[str, int], begin: datetime) -> dict[str, int]:
    """Count for each of these names, in one statement, so that of two at once
    neither is lost. What each of them comes to."""
    found: dict[str, int] = {}
    for part in _parts(sorted(costs)):
        rows = ", ".join(["(?, ?, ?)"] * len(part))
        values = [
            value for name in part for value in (name, micros(begin), costs[name])
        ]
        found |= statement(_ADD.format(rows=rows), *values).fetchall()
    return found


def look(names: Iterable[str], begin: datetime) -> dict[str, int]:
    """What was counted in the window that began then; a name without uses lacks."""
    found: dict[str, int] = {}
    for part in _parts(sorted(names)):
        sql = _LOOK.format(names=", ".join("?" * len(part)))
        found |= statement(sql, micros(begin), *part).fetchall()
    return found


def _parts(names: Sequence[str]) -> Iterator[Sequence[str]]:
    """Engines take so many parameters and no more."""
    return (names[at : at + _AT_ONCE] for at in range(0, len(names), _AT_ONCE))
