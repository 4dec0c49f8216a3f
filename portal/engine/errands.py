"""Rows that somebody waits for at a page: claimed, run on the loop, followed, ended."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import Executor
from typing import ClassVar, Generic, TypeVar

from portal.store.database import connection

T = TypeVar("T")
J = TypeVar("J")


class Errands(ABC, Generic[J]):
    """`look()` at every ring of the bell and every tick, `tidy()` now and then.

    `threads` does the database work: one connection a thread, never on the loop.
    """

    at_once: ClassVar[int]
    name: ClassVar[str]

    def __init__(self, threads: Executor) -> None:
        self._threads = threads
        self._running: set[asyncio.Task[None]] = set()

    async def look(self) -> None:
        """Take what waits, as far as there is room."""
        while len(self._running) < self.at_once:
            job = await self._database(self._claim)
            if job is None:
                return
            task = asyncio.create_task(self._run(job), name=self.name)
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def tidy(self) -> None:
        await self._database(self._tidy)

    async def stop(self, grace_s: float) -> None:
        """Those under way may end in this time; the others are stopped, and see to
        what they leave."""
        if self._running:
            await asyncio.wait(self._running, timeout=grace_s)
        for task in tuple(self._running):
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    @abstractmethod
    def _claim(self) -> J | None:
        """The oldest that waits, now this process's own."""

    @abstractmethod
    def _tidy(self) -> None:
        """Forget what is old, and end what its process has lost."""

    @abstractmethod
    async def _run(self, job: J) -> None:
        """One errand to its end, its row included."""

    async def _database(self, work: Callable[[], T]) -> T:
        def connected() -> T:
            with connection():
                return work()

        return await asyncio.get_running_loop().run_in_executor(
            self._threads, connected
        )
