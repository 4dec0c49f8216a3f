"""The two engines, each opened with the settings that an outbox needs."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import peewee
from playhouse.pool import PooledPostgresqlDatabase, PooledSqliteDatabase

from portal.errors import CannotStart
from portal.store.turns import Turns

FILE = "portal.db"
BUSY_S = 10
POOL = 40
STALE_S = 300
_COLLISIONS = ("40001", "40P01")  # serialization failure, deadlock
# 202 is answered after COMMIT returned, so COMMIT waits for the disk. A process that
# stands still in mid-transaction loses it, and with it the locks others wait for.
_SESSION = (
    "-c synchronous_commit=on"
    " -c idle_in_transaction_session_timeout=15s"
    " -c lock_timeout=30s"
)
_IN_TRANSACTION = 2  # libpq: PQTRANS_INTRANS

# Every one of these defaults is wrong for an outbox.
_PRAGMAS = {
    "journal_mode": "wal",
    "synchronous": 2,
    "foreign_keys": 1,
    "secure_delete": 1,
    "trusted_schema": 0,
    "cache_size": -2000,
    "wal_autocheckpoint": 1000,  # pages: the log is written back every 4 MB
    "journal_size_limit": 64 * 1024 * 1024,  # a log that grew is cut back to this
}


_WRITES = ("INSERT", "UPDATE", "DELETE")


class OneWriter(PooledSqliteDatabase):  # type: ignore[misc]  # not in its stubs
    """SQLite, with a queue for those of this process who write."""

    def __init__(self, *words: Any, **named: Any) -> None:
        super().__init__(*words, **named)
        self.turns = Turns()

    def execute_sql(self, sql: str, params: Sequence[Any] | None = None) -> Any:
        """What writes outside of a transaction is one by itself, and has its turn."""
        if self.in_transaction() or not sql.startswith(_WRITES):
            return super().execute_sql(sql, params)
        with self.turns.taken(BUSY_S):
            return super().execute_sql(sql, params)


def sqlite(instance: Path) -> OneWriter:
    """The file in the instance folder, which is there, for its owner alone.

    Pooled too: to open a connection takes 0.9 ms, to borrow one 0.02.
    """
    path = instance / FILE
    try:
        # SQLite gives -wal and -shm the mode of the database file.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        path.chmod(0o600)
    except OSError as error:
        raise CannotStart(
            f"The database {path} cannot be opened: {error.strerror}."
        ) from None
    return OneWriter(
        str(path),
        max_connections=POOL,
        stale_timeout=STALE_S,
        pragmas=_PRAGMAS,
        timeout=BUSY_S,
        lock_type="IMMEDIATE",
        returning_clause=True,
        autoconnect=False,
        check_same_thread=False,  # it goes from one thread to the next, never to two
    )


def postgresql(url: str) -> PooledPostgresqlDatabase:
    """A pool of connections. The query of the URL holds libpq's parameters."""
    parts = urlsplit(url)
    asked: dict[str, str] = dict(parse_qsl(parts.query))
    if parts.hostname:
        asked.setdefault("host", unquote(parts.hostname))
    if parts.port:
        asked.setdefault("port", str(parts.port))
    if parts.username:
        asked.setdefault("user", unquote(parts.username))
    if parts.password:
        asked.setdefault("password", unquote(parts.password))
    asked.setdefault("connect_timeout", "10")
    asked.setdefault("application_name", "smtp-portal")
    asked.setdefault("options", _SESSION)
    return PooledPostgresqlDatabase(
        unquote(parts.path.strip("/")),
        prefer_psycopg3=True,
        max_connections=POOL,
        stale_timeout=STALE_S,
        timeout=BUSY_S,
        autoconnect=False,
        **asked,
    )


def lone_connection(database: peewee.Database) -> Any:
    """One of the driver's own to PostgreSQL, beside the pool, which would hand it to
    the next thread: for a lock that must last as long as the process."""
    driver: Any = peewee.PostgresqlDatabase._connect(database)  # type: ignore[attr-defined]
    driver.autocommit = True
    return driver


@contextmanager
def begun(database: peewee.Database | peewee.DatabaseProxy) -> Iterator[None]:
    """One transaction, when it is this thread's turn; a savepoint inside of one."""
    turns = None if database.in_transaction() else getattr(database, "turns", None)
    with turns.taken(BUSY_S) if turns else nullcontext(), database.atomic():
        yield


def execute(
    database: peewee.Database | peewee.DatabaseProxy,
    sql: str,
    parameters: Sequence[Any] = (),
) -> Any:
    """A statement in SQL of our own; peewee's stub of this leaves out the types."""
    return database.execute_sql(sql, parameters)


def execute_each(
    database: peewee.Database, sql: str, rows: Sequence[Sequence[Any]]
) -> int:
    """One statement for each of `rows`, by one question: how many rows they met.

    What the driver raises is peewee's, as from `execute`.
    """
    with peewee.__exception_wrapper__:  # type: ignore[attr-defined]  # not in its stubs
        if isinstance(database, peewee.PostgresqlDatabase):
            connection = database.connection()  # type: ignore[no-untyped-call]
            return _each_at_once(connection, sql, rows)
        cursor: Any = database.cursor()  # type: ignore[no-untyped-call]
        cursor.executemany(sql, rows)
        return int(cursor.rowcount)


def _each_at_once(connection: Any, sql: str, rows: Sequence[Sequence[Any]]) -> int:
    """PostgreSQL takes many statements as one text. As a pipeline (`executemany`) they
    end with a Flush, upon which it forgets to watch over a transaction that stands
    still: a process that is stopped there would hold its locks for good."""
    from psycopg import ClientCursor  # where PostgreSQL is

    with ClientCursor(connection) as cursor:
        cursor.execute(";".join(cursor.mogrify(sql, row) for row in rows))
        met = cursor.rowcount
        while cursor.nextset():
            met += cursor.rowcount
        return met


def cause(error: BaseException) -> BaseException:
    """What the driver raised, for its codes and its own words."""
    driver = getattr(error, "orig", None)
    return driver if isinstance(driver, Exception) else error


def is_busy(error: BaseException) -> bool:
    """Whether another process holds the SQLite file."""
    name = str(getattr(cause(error), "sqlite_errorname", ""))
    return name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))


def is_full(error: BaseException | None) -> bool:
    """Whether it began with a disk, or a share of it, that is full."""
    while error is not None:
        if getattr(cause(error), "sqlite_errorname", "") == "SQLITE_FULL":
            return True
        error = error.__cause__
    return False


def collided(error: BaseException | None) -> bool:
    """Whether PostgreSQL chose this one to end a deadlock: it may try again."""
    return error is not None and getattr(cause(error), "sqlstate", None) in _COLLISIONS


def is_usable(database: peewee.Database) -> bool:
    """Whether the transaction of this thread's connection still stands."""
    driver: Any = database.connection()  # type: ignore[no-untyped-call]
    if isinstance(database, peewee.SqliteDatabase):
        return bool(driver.in_transaction)
    return int(driver.info.transaction_status) == _IN_TRANSACTION


def make_folder(path: Path) -> None:
    """The instance folder, for its owner alone. Raises CannotStart."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if _is_ours_alone(path):
            path.chmod(0o700)
    except OSError as error:
        raise CannotStart(
            f"The instance folder {path} cannot be made or used: {error.strerror}."
        ) from None


def _is_ours_alone(path: Path) -> bool:
    """False for /tmp, for the home and for the folder we were started in: shutting
    those would harm others, and each file of ours is private by itself."""
    state = path.stat()
    shared = bool(state.st_mode & stat.S_ISVTX) or state.st_uid != os.geteuid()
    return not shared and not any(
        place.resolve().is_relative_to(path.resolve())
        for place in (Path.cwd(), Path.home())
    )
