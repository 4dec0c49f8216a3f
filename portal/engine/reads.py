"""The engine's own thread for reading, with a connection that it keeps."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import TypeVar

from portal.engine.landing import landed
from portal.store.database import connection

T = TypeVar("T")


class Reads:
    """Work off the loop, one piece at a time.

    After an error the connection is given back and the next work takes a new one,
    so that a restarted database is found again.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="engine-reads")
        self._held: ExitStack | None = None

    async def run(self, work: Callable[[], T]) -> T:
        return await landed(self._thread.submit(self._do, work))

    def close(self, last: Callable[[], None]) -> None:
        """`last` in the thread; then it ends."""
        self._thread.submit(self._finish, last).result()
        self._thread.shutdown()

    def _do(self, work: Callable[[], T]) -> T:
        try:
            if self._held is None:
                self._held = ExitStack()
                self._held.enter_context(connection())
            return work()
        except BaseException:
            self._drop()
            raise

    def _finish(self, last: Callable[[], None]) -> None:
        try:
            last()
        finally:
            self._drop()

    def _drop(self) -> None:
        held, self._held = self._held, None
        if held is not None:
            held.close()
