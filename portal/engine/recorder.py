"""Results until their COMMIT is known: nothing that a relay said is forgotten."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from portal.engine.landing import landed
from portal.services.outbox.trouble import is_passing
from portal.store.writer import Writer

log = logging.getLogger(__name__)

FIRST_PAUSE_S = 0.05
LONGEST_PAUSE_S = 5.0
TRIES = 5  # of what no waiting mends


class Recorder:
    """While something is held here, nothing new may be claimed."""

    def __init__(self, writer: Writer, *, first_pause_s: float = FIRST_PAUSE_S) -> None:
        self._writer = writer
        self._first_pause_s = first_pause_s
        self._held = 0
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def is_behind(self) -> bool:
        return self._held > 0

    async def write(self, work: Callable[[], object]) -> None:
        """Return when `work` is committed, or will never be.

        Repeated as long as the database is in trouble: every work given here is
        harmless the second time. What fails by itself, again and again, is left
        to the end of its lease. Whoever waits here may be cancelled; the writing
        goes on.
        """
        task = asyncio.create_task(self._until_known(work), name="result")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        await asyncio.shield(task)

    async def settle(self, timeout_s: float) -> bool:
        """Wait for what is still being written; whether nothing is left."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=timeout_s)
        left = tuple(self._tasks)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        return not left

    async def _until_known(self, work: Callable[[], object]) -> None:
        pause_s, failures, counted = self._first_pause_s, 0, False
        try:
            while True:
                try:
                    await landed(self._writer.submit(work))
                    return
                except Exception as error:
                    failures += not is_passing(error)
                    if failures >= TRIES:
                        log.exception("a result cannot be written")
                        return
                    log.warning("a result is not written yet: %s", error)
                if not counted:
                    self._held, counted = self._held + 1, True
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
        finally:
            self._held -= counted
