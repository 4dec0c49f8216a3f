"""Bringing a database to this version: one process at a time, and never back."""

from __future__ import annotations

import fcntl
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import peewee
from playhouse.migrations import Runner

from portal.errors import CannotStart
from portal.store.engines import execute

log = logging.getLogger(__name__)

DIRECTORY = Path(__file__).parent / "migrations"
_LOCK = 0x534D5450  # "SMTP", for pg_advisory_lock


def up(database: peewee.Database) -> list[str]:
    """Apply what is missing; the names of what was applied.

    Raises CannotStart for a database that a newer version has written.
    """
    with _alone(database):
        runner = Runner(database, str(DIRECTORY))
        _refuse_newer(runner)
        done = list(runner.up())
    for name in done:
        log.info("migrated the database: %s", name)
    return done


def pending(database: peewee.Database) -> list[str]:
    rows = Runner(database, str(DIRECTORY)).status()
    return [row.name for row in rows if not row.applied]


def _refuse_newer(runner: Runner) -> None:
    try:
        unknown = [row.name for row in runner.status() if row.path is None]
    except peewee.DatabaseError as error:
        raise CannotStart(f"The database cannot be read: {error}.") from None
    if unknown:
        raise CannotStart(
            "The database was written by a newer version of SMTP Portal (it has the"
            f" change {unknown[-1]}, unknown here); install that version again, or"
            " restore a backup from before the change."
        )


@contextmanager
def _alone(database: peewee.Database) -> Iterator[None]:
    """Other processes that start on this database wait here for their turn."""
    if isinstance(database, peewee.PostgresqlDatabase):
        execute(database, "SET lock_timeout = 0")
        execute(database, "SELECT pg_advisory_lock(%s)", (_LOCK,))
        try:
            yield
        finally:
            execute(database, "SELECT pg_advisory_unlock(%s)", (_LOCK,))
            execute(database, "RESET lock_timeout")
        return
    # Not BEGIN EXCLUSIVE: each change needs a transaction and pragmas of its own.
    with open(f"{database.database}.lock", "w", opener=_private) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CLOEXEC, 0o600)
