"""Columns that mean the same on SQLite and PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from peewee import BigIntegerField

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def now() -> datetime:
    return datetime.now(UTC)


def micros(at: datetime) -> int:
    """Microseconds since 1970, UTC; exact, without a float in between."""
    return (at - _EPOCH) // _MICROSECOND


def instant(value: int) -> datetime:
    return _EPOCH + timedelta(microseconds=value)


class InstantField(BigIntegerField):
    """An aware UTC instant, kept as integer microseconds.

    The two engines give back different datetimes for one `DateTimeField`.
    """

    def db_value(self, value: datetime | int | None) -> int | None:
        return micros(value) if isinstance(value, datetime) else value

    def python_value(self, value: Any) -> datetime | None:
        return None if value is None else instant(int(value))
