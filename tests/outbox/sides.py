"""Two real connections to one database, and who waits for whom."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from portal.store.models import proxy

_WAITING = (
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE wait_event_type = 'Lock' AND datname = current_database()"
)


class Side:
    """One connection with its own thread; a transaction stays open between steps."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1)
        self._thread.submit(self._begin).result()

    def do(self, work: Callable[[], Any]) -> Future[Any]:
        return self._thread.submit(work)

    def commit(self) -> None:
        self._thread.submit(self._end, None).result()

    def leave(self) -> None:
        """What a test that failed left open is undone, as soon as it may be."""
        self._thread.submit(self._leave)

    def close(self) -> None:
        self._thread.shutdown()

    def _begin(self) -> None:
        proxy.connect()
        self._transaction: Any = proxy.atomic()
        self._transaction.__enter__()

    def _end(self, error: type[BaseException] | None) -> None:
        transaction, self._transaction = self._transaction, None
        if transaction is not None:
            transaction.__exit__(error, None, None)

    def _leave(self) -> None:
        try:
            self._end(InterruptedError)
        finally:
            proxy.close()


def wait_until_blocked(waiting: Future[Any]) -> None:
    """Until some connection of this database waits for a lock of another."""
    give_up_at = time.monotonic() + 10
    while not proxy.execute_sql(_WAITING).fetchone()[0]:
        assert not waiting.done(), "it waits for nobody"
        assert time.monotonic() < give_up_at, "nobody waits for a lock"
