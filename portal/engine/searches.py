"""Searches for a relay on the engine's loop: claimed, and followed door by door."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import Executor
from functools import partial
from typing import TypeVar

from portal.services import searching
from portal.services.finding import WITHIN_S, Findings, Way, find
from portal.services.installation import Installation
from portal.services.searching import Job
from portal.store.database import connection

log = logging.getLogger(__name__)

T = TypeVar("T")

AT_ONCE = 2  # each of them opens some forty connections
BETWEEN_WRITES_S = 0.25


class Searches:
    """`look()` at every ring of the bell and every tick, `tidy()` now and then."""

    def __init__(
        self,
        installation: Installation,
        owner: str,
        threads: Executor,
        *,
        within_s: float = WITHIN_S,
    ) -> None:
        self._installation = installation
        self._owner = owner
        self._threads = threads
        self._within_s = within_s
        self._running: set[asyncio.Task[None]] = set()

    async def look(self) -> None:
        """Take what waits, as far as there is room."""
        while len(self._running) < AT_ONCE:
            claim = partial(searching.claim, self._installation, self._owner)
            job = await self._database(claim)
            if job is None:
                return
            task = asyncio.create_task(self._run(job), name="search")
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def tidy(self) -> None:
        await self._database(searching.tidy)

    async def stop(self, grace_s: float) -> None:
        """Those under way may end in this time; the others say that they did not."""
        if self._running:
            await asyncio.wait(self._running, timeout=grace_s)
        for task in tuple(self._running):
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def _run(self, job: Job) -> None:
        ways: list[Way] = []
        found: Findings | None = None
        search = asyncio.create_task(self._find(job, ways.append))
        try:
            await self._follow(job, search, ways)
            found = await search
        except Exception:
            log.exception("a search failed inside the portal")
        finally:
            search.cancel()
            finish = partial(searching.finish, self._installation, job, found)
            await self._database(finish)

    async def _find(self, job: Job, on_way: Callable[[Way], None]) -> Findings:
        return await find(
            job.asked,
            job.net,
            dns=job.dns,
            https=job.https,
            catalogue=job.catalogue,
            ehlo_name=job.ehlo_name,
            on_way=on_way,
            most_of_others=job.most_of_others,
            within_s=self._within_s,
        )

    async def _follow(
        self, job: Job, search: asyncio.Task[Findings], ways: list[Way]
    ) -> None:
        """Write what was seen, as long as something comes."""
        written = 0
        while not search.done():
            await asyncio.wait((search,), timeout=BETWEEN_WRITES_S)
            if len(ways) > written and not search.done():
                written = len(ways)
                await self._database(partial(searching.progress, job, tuple(ways)))

    async def _database(self, work: Callable[[], T]) -> T:
        def connected() -> T:
            with connection():
                return work()

        return await asyncio.get_running_loop().run_in_executor(
            self._threads, connected
        )
