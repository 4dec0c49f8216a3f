"""The one database of this process: attached, connected per thread, detached.

A thread has a connection only inside `connection()`: nothing opens one by
itself, since a connection that its thread forgot is never given back.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import peewee
from playhouse.pool import MaxConnectionsExceeded

from portal.config import Settings
from portal.errors import CannotStart
from portal.store import engines, migrating
from portal.store.fields import instant, now
from portal.store.models import proxy

# What reading raises where the database cannot do it now: locked, full, gone. The
# writer makes Unavailable of it by itself.
TROUBLE = (peewee.OperationalError, peewee.InterfaceError, MaxConnectionsExceeded)
DAMAGE = peewee.DatabaseError  # what it raises besides: no page can be made sense of


def attach(settings: Settings) -> peewee.Database:
    """Open the database of these settings and make it the models' own.

    Raises CannotStart, in one sentence without any password.
    """
    url = settings.database_url
    engines.make_folder(settings.instance)  # the key file is there on either engine
    database: peewee.Database = (
        engines.postgresql(url) if url else engines.sqlite(settings.instance)
    )
    try:
        database.connect()
        engines.execute(database, "SELECT 1")
        database.close()
    except peewee.PeeweeException as error:
        raise CannotStart(_why(settings, error)) from None
    proxy.initialize(database)
    return database


def detach() -> None:
    """Close this thread's connection and those that nobody has."""
    database = proxy.obj
    if database is not None:
        database.close()
        database.close_idle()
        proxy.initialize(None)


def migrate(database: peewee.Database) -> list[str]:
    """Apply what is missing, under a lock; the names of what was applied.

    Raises CannotStart for a database that a newer version has written.
    """
    with connection():
        return migrating.up(database)


def pending(database: peewee.Database) -> list[str]:
    """What `migrate` would apply, for the readiness check."""
    with connection():
        return migrating.pending(database)


@contextmanager
def connection() -> Iterator[None]:
    """A connection of this thread, given back at the end. May be nested."""
    if not proxy.is_closed():
        yield
        return
    proxy.connect()
    try:
        yield
    finally:
        if not proxy.is_closed():
            proxy.close()


@contextmanager
def transaction() -> Iterator[None]:
    """One transaction, or a savepoint inside of one.

    `BEGIN IMMEDIATE` on SQLite: an upgrade from read to write fails at once.
    """
    with engines.begun(proxy):
        yield


@contextmanager
def joined() -> Iterator[None]:
    """The transaction that runs, else one of its own: for what fails only together
    with its caller and needs no savepoint, which costs two statements."""
    if proxy.in_transaction():
        yield
        return
    with transaction():
        yield


def statement(sql: str, *parameters: Any) -> Any:
    """A hot statement in SQL of our own, each parameter written `?`: a cursor.

    peewee takes four times as long to write a statement as SQLite to run it.
    """
    database = proxy.obj
    return engines.execute(database, sql.replace("?", database.param), parameters)


def statements(sql: str, rows: Sequence[Sequence[Any]]) -> int:
    """The same with other parameters for each of `rows`: how many rows they met."""
    if len(rows) == 1:
        return int(statement(sql, *rows[0]).rowcount)
    database = proxy.obj
    return engines.execute_each(database, sql.replace("?", database.param), rows)


def clock() -> datetime:
    """Now, by the clock that all processes of this database share."""
    if not locking():
        return now()
    sql = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint"
    return instant(statement(sql).fetchone()[0])


def locking() -> bool:
    """Whether rows are locked by `FOR UPDATE`; SQLite locks as a whole."""
    return bool(proxy.for_update)


def _why(settings: Settings, error: peewee.PeeweeException) -> str:
    words = str(engines.cause(error)).strip()
    first = next(iter(words.splitlines()), type(error).__name__).rstrip(".")
    if settings.database_url is None:
        file = settings.instance / engines.FILE
        return f"The database {file} cannot be used: {first}."
    where = urlsplit(settings.database_url).hostname or "this machine"
    return f"PORTAL_DATABASE_URL: the database on {where} cannot be used: {first}."
