"""Who is alive: a process holds a lock as long as it lives, and no longer.

Its rows are recovered at once when the lock can be taken, whatever its leases
say. PostgreSQL: an advisory lock of one connection; SQLite: a locked file
beside the database, since all that share the file share the machine.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from portal.store.database import locking
from portal.store.engines import lone_connection
from portal.store.models import proxy

_PREFIX = "engine-"


class Life:
    """The lock of this process. All calls come from one thread."""

    def __init__(self, folder: Path, owner: str) -> None:
        self._folder = folder
        self._owner = owner
        self._file: BinaryIO | None = None
        self._connection: Any = None

    def hold(self) -> bool:
        """Take the lock, or see that it is still held; again and again, since a
        server that restarts forgets its locks. False: not yet."""
        if locking():
            return self._hold_in_database()
        if self._file is None:
            self._file = _open(_path(self._folder, self._owner), create=True)
            assert self._file is not None  # noqa: S101, just made
            fcntl.flock(self._file, fcntl.LOCK_EX)
        return True

    def drop(self, *, settled: bool) -> None:
        """At the end. What is not `settled` is for others to recover, at once: the
        file stays, and nobody holds it."""
        self._lose_connection()
        if self._file is not None:
            if settled:
                _path(self._folder, self._owner).unlink(missing_ok=True)
            self._file.close()
            self._file = None

    def _hold_in_database(self) -> bool:
        if self._connection is not None and not self._is_connected():
            self._lose_connection()
        if self._connection is not None:
            return True
        self._connection = lone_connection(proxy.obj)
        taken = self._connection.execute(
            "SELECT pg_try_advisory_lock(%s)", (_number(self._owner),)
        )
        if taken.fetchone()[0]:
            return True
        self._lose_connection()  # the server has not noticed the last one's end
        return False

    def _is_connected(self) -> bool:
        try:
            self._connection.execute("SELECT 1")
        except Exception:  # the driver's own; there is nothing else to ask
            return False
        return True

    def _lose_connection(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


def dead(owners: Iterable[str], folder: Path, *, me: str) -> frozenset[str]:
    """Those whose lock can be taken. One that left no lock is not known dead."""
    others = [owner for owner in owners if owner != me]
    is_dead = _is_dead_by_database if locking() else _is_dead_by_file
    return frozenset(owner for owner in others if is_dead(folder, owner))


class Suspects:
    """Those whose lock was free, and since when.

    A server that restarts forgets every lock at once, and the living take theirs
    again within a tick: on PostgreSQL only who is found dead again and again is. The
    lock of a file goes with its process alone.
    """

    def __init__(self, grace_s: float) -> None:
        self._grace_s = grace_s
        self._since: dict[str, float] = {}

    def confirmed(self, found: Iterable[str], at: float) -> frozenset[str]:
        """`at` on the monotonic clock. Who was alive in between begins anew."""
        self._since = {owner: self._since.get(owner, at) for owner in found}
        grace_s = self._grace_s if locking() else 0.0
        return frozenset(
            owner for owner, since in self._since.items() if at - since >= grace_s
        )


def forget(owners: Iterable[str], folder: Path) -> None:
    """Remove the files of dead owners once nothing of theirs is left."""
    if not locking():
        for owner in owners:
            _path(folder, owner).unlink(missing_ok=True)


def _is_dead_by_database(folder: Path, owner: str) -> bool:
    number = _number(owner)
    cursor = proxy.execute_sql("SELECT pg_try_advisory_lock(%s)", (number,))
    free = bool(cursor.fetchone()[0])
    if free:
        proxy.execute_sql("SELECT pg_advisory_unlock(%s)", (number,))
    return free


def _is_dead_by_file(folder: Path, owner: str) -> bool:
    file = _open(_path(folder, owner), create=False)
    if file is None:
        return False
    with file, suppress(BlockingIOError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


def _path(folder: Path, owner: str) -> Path:
    name = hashlib.sha256(owner.encode()).hexdigest()[:24]
    return folder / f"{_PREFIX}{name}.lock"


def _open(path: Path, *, create: bool) -> BinaryIO | None:
    flags = os.O_RDWR | os.O_CLOEXEC | (os.O_CREAT if create else 0)
    try:
        return os.fdopen(os.open(path, flags, 0o600), "r+b")
    except FileNotFoundError:
        return None


def _number(owner: str) -> int:
    """The owner's key among the advisory locks: 63 bits of its hash."""
    return int.from_bytes(hashlib.sha256(owner.encode()).digest()[:8], "big") >> 1
