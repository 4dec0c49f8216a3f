"""Searches for a relay on the engine's loop: claimed, and followed door by door."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import Executor
from functools import partial

from portal.engine.errands import Errands
from portal.services import searching
from portal.services.finding import WITHIN_S, Findings, Way, find
from portal.services.installation import Installation
from portal.services.searching import Job

log = logging.getLogger(__name__)

BETWEEN_WRITES_S = 0.25


class Searches(Errands[Job]):
    """Each opens some forty connections, so there are few at once."""

    at_once = 2
    name = "search"

    def __init__(
        self,
        installation: Installation,
        owner: str,
        threads: Executor,
        *,
        within_s: float = WITHIN_S,
    ) -> None:
        super().__init__(threads)
        self._installation = installation
        self._owner = owner
        self._within_s = within_s

    def _claim(self) -> Job | None:
        return searching.claim(self._installation, self._owner)

    def _tidy(self) -> None:
        searching.tidy()

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
