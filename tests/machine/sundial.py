"""Time as the machine moves it: the clock of the database stands, the rows move.

A clock that jumps ahead by an hour and rows that lie an hour further back are the
same to every comparison, on SQLite and on PostgreSQL alike, and nothing of the
portal is patched for it.
"""

from __future__ import annotations

from portal.store.database import statement, transaction

# What is compared with the clock. When something happened stays as it was.
_COLUMNS = {
    "message": ("scheduled_at", "expires_at"),
    "recipient": ("next_at", "retry_at", "expires_at"),
    "attempt": ("lease_until",),
    "standing": ("held_until", "throttled_at", "failed_at"),
    "idempotency_key": ("expires_at",),
}
_DUE = (
    "SELECT MIN(at) FROM (SELECT next_at AS at FROM recipient WHERE next_at IS NOT NULL"
    " UNION ALL SELECT retry_at FROM recipient WHERE retry_at IS NOT NULL"
    " UNION ALL SELECT held_until FROM standing WHERE held_until > ?) AS due"
)


class Sundial:
    """The two clocks of every worker, in seconds."""

    def __init__(self) -> None:
        self._wall = 1_800_000_000.0
        self._monotonic = 1_000.0

    def wall(self) -> float:
        return self._wall

    def monotonic(self) -> float:
        return self._monotonic

    def goes_on(self, seconds: float) -> None:
        """Time passes for everybody."""
        self._monotonic += seconds
        self.jumps(seconds)

    def jumps(self, seconds: float) -> None:
        """The wall clock and the database's are set; no time has passed."""
        self._wall += seconds
        _move_rows(round(seconds * 1_000_000))


def next_due_s(here: int) -> float | None:
    """Seconds until something is due; `here` is now in microseconds."""
    found = statement(_DUE, here).fetchone()[0]
    return None if found is None else max((found - here) / 1_000_000, 0)


def _move_rows(micros: int) -> None:
    with transaction():
        for table, columns in _COLUMNS.items():
            changes = ", ".join(f"{name} = {name} - ?" for name in columns)
            statement(f"UPDATE {table} SET {changes}", *[micros] * len(columns))
