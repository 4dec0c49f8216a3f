"""Checks of senders' domains on the engine's loop, and the watch that asks for them."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import Executor
from functools import partial
from typing import TypeVar

from portal.deliverability.asking import PATIENCE_S
from portal.deliverability.report import checks_of
from portal.deliverability.types import Check
from portal.services import domains
from portal.services.domains import Job
from portal.services.installation import Installation
from portal.store.database import connection

log = logging.getLogger(__name__)

T = TypeVar("T")

AT_ONCE = 4  # each of them has some forty questions under way
BETWEEN_WRITES_S = 0.2
# A portal that has just started has better things to do than what can wait a day.
FIRST_WATCH_S = 60.0


class Domains:
    """`look()` at every ring of the bell and every tick; `watch()` and `tidy()` now
    and then."""

    def __init__(
        self,
        installation: Installation,
        owner: str,
        threads: Executor,
        *,
        patience_s: float = PATIENCE_S,
        first_watch_s: float = FIRST_WATCH_S,
    ) -> None:
        self._installation = installation
        self._owner = owner
        self._threads = threads
        self._patience_s = patience_s
        self._watch_from = time.monotonic() + first_watch_s
        self._running: set[asyncio.Task[None]] = set()

    async def look(self) -> None:
        """Take what waits, as far as there is room."""
        while len(self._running) < AT_ONCE:
            claim = partial(domains.claim, self._installation, self._owner)
            job = await self._database(claim)
            if job is None:
                return
            task = asyncio.create_task(self._run(job), name="domain")
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def watch(self) -> None:
        """Ask for what is due by the day or after a change."""
        if time.monotonic() >= self._watch_from:
            await self._database(partial(domains.look, self._installation))

    async def tidy(self) -> None:
        await self._database(domains.tidy)

    async def stop(self, grace_s: float) -> None:
        """Those under way may end in this time; the others are left to whoever comes
        next."""
        if self._running:
            await asyncio.wait(self._running, timeout=grace_s)
        for task in tuple(self._running):
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def _run(self, job: Job) -> None:
        checks: list[Check] = []
        told: tuple[Check, ...] | None = None
        check = asyncio.create_task(self._check(job, checks))
        try:
            await self._follow(job, check, checks)
            await check
            told = tuple(checks)
        except asyncio.CancelledError:
            await self._database(partial(domains.give_back, job))
            raise
        except Exception:
            log.exception("a check of a domain failed inside the portal")
        finally:
            check.cancel()
            await asyncio.gather(check, return_exceptions=True)
        await self._database(partial(domains.finish, self._installation, job, told))

    async def _check(self, job: Job, checks: list[Check]) -> None:
        asking = checks_of(
            job.subject,
            job.dns,
            job.fetch,
            shown=job.shown,
            patience_s=self._patience_s,
        )
        async for each in asking:
            checks.append(each)

    async def _follow(
        self, job: Job, check: asyncio.Task[None], checks: list[Check]
    ) -> None:
        """Write the rows as they become known."""
        written = 0
        while not check.done():
            await asyncio.wait((check,), timeout=BETWEEN_WRITES_S)
            if len(checks) > written and not check.done():
                written = len(checks)
                await self._database(partial(domains.progress, job, tuple(checks)))

    async def _database(self, work: Callable[[], T]) -> T:
        def connected() -> T:
            with connection():
                return work()

        return await asyncio.get_running_loop().run_in_executor(
            self._threads, connected
        )
