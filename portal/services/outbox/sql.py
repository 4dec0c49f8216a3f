"""The hot statements of the outbox, written by hand.

Each mail passes here some fifteen times; peewee takes ten times as long to write
such a statement as the database to run it. Values are as stored: instants are
microseconds, JSON is text.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from portal.store.database import statement, statements
from portal.store.fields import instant, micros

WRITTEN = 256  # statements whose words are kept; they differ by their columns
VALUES = 1_000  # in one statement


def fetch(sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
    """All rows; each parameter is written `?`."""
    return list(statement(sql, *parameters).fetchall())


class Raced(RuntimeError):
    """A guarded UPDATE met another row than the locked one: nothing is written."""


class Changes:
    """Guarded UPDATEs that are written together: those of the same words are one
    statement with many values, whatever messages they are of."""

    def __init__(self) -> None:
        self._waiting: dict[str, list[tuple[Any, ...]]] = {}
        self._rows: dict[str, int] = {}

    def add(
        self,
        table: str,
        changes: Mapping[str, Any],
        where: str,
        *parameters: Any,
        rows: int = 1,
    ) -> None:
        """One that has to meet so many rows."""
        sql = _update(table, tuple(changes), where)
        values = tuple(stored(value) for value in changes.values())
        self._waiting.setdefault(sql, []).append((*values, *parameters))
        self._rows[sql] = self._rows.get(sql, 0) + rows

    def write(self) -> None:
        """Raises Raced when one met other rows than it believed in: then a lock was
        not held, and the transaction must not be kept."""
        waiting, self._waiting = self._waiting, {}
        wanted, self._rows = self._rows, {}
        for sql, values in waiting.items():
            if statements(sql, values) != wanted[sql]:
                raise Raced(f"other rows than the locked ones: {sql}")


def change(table: str, changes: Mapping[str, Any], where: str, *parameters: Any) -> int:
    """A guarded UPDATE: how many rows it met."""
    sql = _update(table, tuple(changes), where)
    values = [stored(value) for value in changes.values()]
    return int(statement(sql, *values, *parameters).rowcount)


def insert(
    table: str, rows: Sequence[Mapping[str, Any]], *, returning: str = ""
) -> list[tuple[Any, ...]]:
    """Rows of the same columns, as many in a statement as it takes; what each of
    them returns, in no order."""
    returned: list[tuple[Any, ...]] = []
    most = VALUES // len(rows[0])
    for first in range(0, len(rows), most):
        some = rows[first : first + most]
        sql = _insert(table, tuple(some[0]), len(some), returning)
        values = [stored(value) for row in some for value in row.values()]
        cursor = statement(sql, *values)
        if returning:
            returned += cursor.fetchall()
    return returned


def places(values: Collection[Any]) -> str:
    """One `?` for each, for IN and VALUES."""
    return ", ".join("?" * len(values))


def stored(value: Any) -> Any:
    """A value as its column keeps it."""
    if isinstance(value, datetime):
        return micros(value)
    if isinstance(value, dict | list):
        return json.dumps(value)
    return value


def loaded(value: Any) -> Any:
    """JSON as a value; PostgreSQL's driver has read it already."""
    return json.loads(value) if isinstance(value, str) else value


def at(value: int | None) -> datetime | None:
    return None if value is None else instant(value)


@lru_cache(WRITTEN)
def _update(table: str, names: tuple[str, ...], where: str) -> str:
    changes = ", ".join(f"{name} = ?" for name in names)
    return f"UPDATE {table} SET {changes} WHERE {where}"  # noqa: S608, our own names


@lru_cache(WRITTEN)
def _insert(table: str, names: tuple[str, ...], rows: int, returning: str) -> str:
    values = ", ".join([f"({places(names)})"] * rows)
    sql = f"INSERT INTO {table} ({', '.join(names)}) VALUES {values}"  # noqa: S608, our own names
    return f"{sql} RETURNING {returning}" if returning else sql
