"""The one writing thread: many small works, one COMMIT for those that wait.

An fsync costs as much for one work as for two hundred. Each work has its own
SAVEPOINT, so that a refused one fails alone, and whoever waits is released only
after COMMIT.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

import peewee

from portal.errors import Unavailable
from portal.store.alike import Alike
from portal.store.engines import begun, cause, collided, execute, is_busy, is_usable
from portal.store.place import Place

log = logging.getLogger(__name__)

T = TypeVar("T")

GROUP = 256  # works in one COMMIT
TURNS = 3  # tries of a work that met a deadlock
_GONE = "The database file was removed or replaced while the portal ran."


class CommitUnknown(Unavailable):
    """COMMIT ended in an error: the work is in the database, or it is not."""


class DatabaseGone(CommitUnknown):
    """The file was removed or replaced: what was written to it is nowhere."""


class _GroupLost(Exception):
    """The engine gave up the transaction of a whole group: nothing was written."""


_TROUBLE = (
    peewee.OperationalError,
    peewee.InterfaceError,
    _GroupLost,
    CommitUnknown,
)


@dataclass(slots=True, kw_only=True, eq=False)
class _Job(Generic[T]):
    work: Callable[[], T]
    future: Future[T] = field(default_factory=Future)
    value: Any = None
    error: BaseException | None = None

    def settle(self) -> None:
        if self.error is None:
            self.future.set_result(self.value)
        else:
            self.future.set_exception(_as_fault(self.error))


class Writer:
    """`work` runs on the writing thread and may use the models, nothing slow.

    It may run again after a deadlock, so that only what it writes and returns
    may count. It must not wait for this writer.
    """

    def __init__(self, database: peewee.Database, *, patience_s: float = 30) -> None:
        self._database = database
        self._patience_s = patience_s  # for another process that writes
        self._place = _place_of(database)
        self._is_lost = False
        self.on_lost: Callable[[], None] | None = None  # called once, by any thread
        self.on_trouble: Callable[[BaseException], None] | None = None  # each time
        self._jobs: queue.SimpleQueue[_Job[Any] | None] = queue.SimpleQueue()
        self._gate = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closed = False

    def submit(self, work: Callable[[], T]) -> Future[T]:
        """The future has the value of `work` once it is committed.

        It has what `work` raised (and nothing of it is kept), CommitUnknown, or
        Unavailable when surely nothing was written.
        """
        job = _Job(work=work)
        if self._is_lost:
            raise DatabaseGone(_GONE)
        with self._gate:
            if self._closed:
                raise Unavailable("The portal is shutting down.")
            self._jobs.put(job)
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._serve, name="writer", daemon=True
                )
                self._thread.start()
        return job.future

    def run(self, work: Callable[[], T]) -> T:
        """Submit and wait. Never inside a transaction: it would wait for itself."""
        if threading.current_thread() is self._thread:
            raise RuntimeError("A work of the writer may not wait for the writer.")
        if not self._database.is_closed() and self._database.in_transaction():
            raise RuntimeError("Leave the transaction before waiting for the writer.")
        return self.submit(work).result()

    def look(self) -> bool:
        """Whether the database is still in its place. Once it was not, it is lost for
        this process: what it has open and what lies there are two."""
        if self._place is None or (not self._is_lost and self._place.holds()):
            return True
        with self._gate:
            if self._is_lost:
                return False
            self._is_lost = True
        log.critical("%s: %s", self._place.path, _GONE)
        if self.on_lost is not None:
            self.on_lost()
        return False

    def close(self) -> None:
        """Write what was submitted and end the thread."""
        with self._gate:
            self._closed = True
            thread = self._thread
            self._jobs.put(None)
        if thread is not None:
            thread.join()

    def _serve(self) -> None:
        try:
            while (first := self._jobs.get()) is not None:
                last = self._settle(self._gather(first))
                if last:
                    return
        finally:
            self._drop_connection()

    def _gather(self, first: _Job[Any]) -> list[_Job[Any] | None]:
        """What waits now, the first included; None ends it."""
        group: list[_Job[Any] | None] = [first]
        while len(group) < GROUP and group[-1] is not None:
            try:
                group.append(self._jobs.get_nowait())
            except queue.Empty:
                break
        return group

    def _settle(self, gathered: list[_Job[Any] | None]) -> bool:
        """Write a group and release everybody; whether it was the last one."""
        group = [
            job
            for job in gathered
            if job is not None and job.future.set_running_or_notify_cancel()
        ]
        again = self._write(group) if group else []
        for job in again:  # each alone, holding no other rows
            for turn in range(1, TURNS + 1):
                if not self._write([job], last=turn == TURNS):
                    break
        return gathered[-1] is None

    def _write(self, group: list[_Job[Any]], *, last: bool = False) -> list[_Job[Any]]:
        """One transaction. The jobs that met a deadlock come back, unless `last`."""
        try:
            self._commit(group)
        except Exception as error:
            log.exception("A group of %d writes was not committed", len(group))
            self._drop_connection()
            fault: Exception = error
            if not isinstance(error, CommitUnknown):
                fault = _GroupLost(error)
                fault.__cause__ = error
            for job in group:
                job.error = fault
        self._tell(group)
        again = [job for job in group if not last and collided(job.error)]
        for job in group:
            if job not in again:
                job.settle()
        return again

    def _tell(self, group: list[_Job[Any]]) -> None:
        """Whoever can help hears of it before those who would try again."""
        found = [job.error for job in group if isinstance(job.error, _TROUBLE)]
        if found and self.on_trouble is not None:
            self.on_trouble(found[0])

    def _commit(self, group: list[_Job[Any]]) -> None:
        with ExitStack() as transaction:
            self._begin(transaction)
            for jobs in _alike(group):
                if len(jobs) == 1 or not self._attempt_all(jobs):
                    for job in jobs:
                        self._attempt(job)
            try:
                transaction.close()
            except Exception as error:
                raise CommitUnknown("The database did not confirm.") from error
        if not self.look():
            raise DatabaseGone(_GONE)

    def _begin(self, transaction: ExitStack) -> None:
        """Wait for other processes that write; nothing has run before this."""
        deadline = time.monotonic() + self._patience_s
        while True:
            try:
                is_new = self._database.connect(reuse_if_open=True)
                transaction.enter_context(begun(self._database))
                if is_new and self._place is not None:
                    self._place.opened()
                return
            except peewee.OperationalError as error:
                if not is_busy(error) or time.monotonic() > deadline:
                    raise
                time.sleep(0.01)

    def _attempt(self, job: _Job[Any]) -> None:
        job.error = None
        try:
            with self._alone():
                job.value = job.work()
        except BaseException as error:
            job.error = error
            if not is_usable(self._database):
                raise _GroupLost(error) from error

    def _attempt_all(self, jobs: list[_Job[Any]]) -> bool:
        """Works of one kind by one call; False: it failed, and nothing is kept."""
        works: list[Alike[Any, Any]] = [job.work for job in jobs]  # type: ignore[misc]
        try:
            with self._alone():
                values = works[0].do([work.item for work in works])
        except Exception as error:
            if not is_usable(self._database):
                raise _GroupLost(error) from error
            return False
        for job, value in zip(jobs, values, strict=True):
            job.value, job.error = value, None
        return True

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """A SAVEPOINT always by one name: peewee gives each its own, so that the
        engine has to prepare two statements more for every job."""
        execute(self._database, "SAVEPOINT job")
        try:
            yield
            execute(self._database, "RELEASE SAVEPOINT job")
        except BaseException:
            execute(self._database, "ROLLBACK TO SAVEPOINT job")
            raise

    def _drop_connection(self) -> None:
        if not self._database.is_closed():
            self._database.close()


def _alike(group: list[_Job[Any]]) -> list[list[_Job[Any]]]:
    """In the order of the first of each kind; what has no kind is by itself."""
    kinds: dict[object, list[_Job[Any]]] = {}
    for job in group:
        kind = job.work.do if isinstance(job.work, Alike) else job
        kinds.setdefault(kind, []).append(job)
    return list(kinds.values())


def _place_of(database: peewee.Database) -> Place | None:
    """A file has one, a server looks after its own."""
    is_file = isinstance(database, peewee.SqliteDatabase)
    return Place(Path(database.database)) if is_file else None


def _as_fault(error: BaseException) -> BaseException:
    """What the work raised; what the engine itself cannot do now is Unavailable:
    a full disk, a lost connection, a lock that another process keeps."""
    if not isinstance(error, _TROUBLE) or isinstance(error, CommitUnknown):
        return error
    log.error("The database cannot be written to: %s", cause(error))
    fault = Unavailable("The database cannot be written to now.")
    fault.__cause__ = error
    return fault
