"""Checks of senders' domains on the engine's loop, and the watch that asks for them."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Executor
from functools import partial

from portal.deliverability.asking import PATIENCE_S
from portal.deliverability.types import Check
from portal.engine.errands import Errands
from portal.services import domains
from portal.services.domains import Job
from portal.services.installation import Installation

log = logging.getLogger(__name__)

BETWEEN_WRITES_S = 0.2
# A portal that has just started has better things to do than what can wait a day.
FIRST_WATCH_S = 60.0


class Domains(Errands[Job]):
    """Each has some forty questions under way. `watch()` is called now and then."""

    at_once = 4
    name = "domain"

    def __init__(
        self,
        installation: Installation,
        owner: str,
        threads: Executor,
        *,
        patience_s: float = PATIENCE_S,
        first_watch_s: float = FIRST_WATCH_S,
    ) -> None:
        super().__init__(threads)
        self._installation = installation
        self._owner = owner
        self._patience_s = patience_s
        self._watch_from = time.monotonic() + first_watch_s

    async def watch(self) -> None:
        """Ask for what is due by the day or after a change."""
        if time.monotonic() >= self._watch_from:
            await self._database(partial(domains.look, self._installation))

    def _claim(self) -> Job | None:
        return domains.claim(self._installation, self._owner)

    def _tidy(self) -> None:
        domains.tidy()

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
        loop = asyncio.get_running_loop()
        checks_of = await loop.run_in_executor(self._threads, _how_to_check)
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


def _how_to_check() -> Callable[..., AsyncIterator[Check]]:
    """Some fifty modules, imported for the first check, and in a thread: meanwhile the
    loop has mail to carry."""
    from portal.deliverability.report import checks_of

    return checks_of
