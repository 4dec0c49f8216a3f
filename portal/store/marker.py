"""Whether who had the database last ended by itself; if not, it is checked first.

A file lies beside the database as long as a process serves from it. All of them
hold it, and the last one to end well removes it.
"""

from __future__ import annotations

import fcntl
import logging
import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from types import TracebackType

from portal.config import Settings
from portal.errors import CannotStart
from portal.store.engines import FILE, make_folder

log = logging.getLogger(__name__)

_READ_S = 30.0


class Marker:
    """Use it in a `with`, before the database is attached until it is detached.

    Entering it raises CannotStart for a database that is damaged.
    """

    def __init__(self, settings: Settings) -> None:
        self._folder = None if settings.database_url else settings.instance
        self._file: int | None = None
        self.stays = False  # the end was none: look again at the next start

    def __enter__(self) -> Marker:
        if self._folder is None:
            return self
        make_folder(self._folder)
        path = self._path(self._folder)
        if path.exists():
            log.warning("the portal was not ended before: checking the database")
            begun_at = time.monotonic()
            check(self._folder / FILE)
            elapsed_s = time.monotonic() - begun_at
            log.info("the database is whole; to check it took %.1f s", elapsed_s)
        try:
            self._file = _held(path)
        except OSError as error:
            log.warning("%s cannot be written: %s", path, error.strerror)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """An end by itself, be it that it could not even start."""
        if self._file is None or self._folder is None:
            return
        well = kind is None or issubclass(kind, CannotStart)
        try:
            if well and not self.stays and _is_alone(self._file):
                self._path(self._folder).unlink(missing_ok=True)
        except OSError as trouble:
            log.warning("the marker stays: %s", trouble.strerror)
        finally:
            os.close(self._file)
            self._file = None

    def _path(self, folder: Path) -> Path:
        return folder / f"{FILE}.open"


def check(file: Path) -> None:
    """Read every page and index of it. Raises CannotStart, in one sentence."""
    if not file.exists():
        return
    try:
        with closing(sqlite3.connect(file, timeout=_READ_S)) as connection:
            said = str(connection.execute("PRAGMA integrity_check(1)").fetchone()[0])
    except sqlite3.OperationalError as error:
        raise CannotStart(f"The database {file} cannot be checked: {error}.") from None
    except sqlite3.DatabaseError as error:
        said = str(error)
    if said != "ok":
        first = " ".join(said.split()).rstrip(".")
        raise CannotStart(
            f"The database {file} is damaged ({first}): put a backup in its place, or"
            f" save what can be read of it with “sqlite3 {file.name} .recover”."
        )


def _held(path: Path) -> int:
    """The file, there and locked together with other processes that serve."""
    while True:
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
        file = os.open(path, flags, 0o600)
        fcntl.flock(file, fcntl.LOCK_SH)
        if os.fstat(file).st_nlink:
            _keep(path.parent)
            return file
        os.close(file)  # the last one has removed it meanwhile


def _is_alone(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _keep(folder: Path) -> None:
    """A power cut must find it, too."""
    place = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(place)
    finally:
        os.close(place)
