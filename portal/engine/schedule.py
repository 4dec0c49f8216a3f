"""What time brings: dead workers' rows, the one retry, expiry, old keys."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from portal.engine.clocks import Clocks
from portal.engine.dispatch import Dispatch
from portal.engine.landing import landed
from portal.engine.reads import Reads
from portal.engine.upkeep import Upkeep
from portal.services import captures, limits
from portal.services.actor import Actor
from portal.services.outbox import owners, recovery, retention, schedule
from portal.services.outbox.timing import Timing
from portal.store.models import Route

log = logging.getLogger(__name__)

T = TypeVar("T")

RECOVERY_EVERY = 5  # ticks: whose owner died is found after so many looks
GRACE = 2.5  # times as long an owner's lock must be free on PostgreSQL
RETENTION_AT_ONCE = 20  # batches an hour, so that a first clean-up holds up nobody
SWEEP_EVERY_S = 3600.0


class Schedule:
    """`tick()` once each `timing.poll_s`; reads first, writes only what there is."""

    def __init__(
        self,
        actor: Actor,
        owner: str,
        life: owners.Life,
        reads: Reads,
        dispatch: Dispatch,
        *,
        timing: Timing,
        clocks: Clocks,
    ) -> None:
        self._actor = actor
        self._owner = owner
        self._life = life
        self._folder = actor.installation.settings.instance
        self._writer = actor.installation.writer
        self._reads = reads
        self._dispatch = dispatch
        self._timing = timing
        self._clocks = clocks
        self._suspects = owners.Suspects(GRACE * RECOVERY_EVERY * timing.poll_s)
        self._upkeep = Upkeep(actor, reads)
        self._ticks = 0
        self._swept_at: float | None = None

    async def tick(self) -> None:
        self._writer.look()
        if self._ticks % RECOVERY_EVERY == 0:
            await self._upkeep.look()
        if self._clocks.look():
            log.warning("the clock jumped; leases and expiry rest for a while")
            await self._write(partial(schedule.set_back, self._clocks.set_back))
            await self._write(partial(schedule.clamp, self._timing))
        await self._reads.run(self._life.hold)  # a restarted server forgot it
        if self._ticks % RECOVERY_EVERY == 0:
            await self._recover()
            await self._dispatch.close_idle(await self._reads.run(_active_versions))
        self._ticks += 1
        await self._do_what_is_due()
        await self._sweep()

    async def _do_what_is_due(self) -> None:
        found = await self._reads.run(schedule.pending)
        if found.retries:
            await self._write(partial(schedule.retry_uncertain, self._actor))
        if found.expired and self._clocks.expiry_counts:
            await self._write(partial(schedule.expire, self._actor))
        if found.moved:
            await self._write(schedule.release_moved)
        if found.due or found.retries or found.moved:
            self._dispatch.look()

    async def _recover(self) -> None:
        """Lines 13 and 14, for dead owners at once and for leases that are over."""
        held = self._dispatch.held
        dead, found = await self._reads.run(partial(self._find_lost, held))
        if found:
            log.info("recovering %d attempts of lost workers", len(found))
            work = partial(
                recovery.recover, self._actor, found, dead=dead, timing=self._timing
            )
            await self._write(work)
            self._dispatch.look()
        elif dead:
            await self._reads.run(partial(owners.forget, dead, self._folder))

    def _find_lost(
        self, held: frozenset[int]
    ) -> tuple[frozenset[str], list[tuple[int, int]]]:
        found = owners.dead(recovery.owners(), self._folder, me=self._owner)
        dead = self._suspects.confirmed(found, time.monotonic())
        counts = self._clocks.leases_count
        return dead, recovery.ended(dead=dead, by_lease=counts, held=held)

    async def _sweep(self) -> None:
        """Once an hour, and at the start."""
        now = time.monotonic()
        rested = self._swept_at is None or now - self._swept_at > SWEEP_EVERY_S
        if rested and self._clocks.expiry_counts:
            self._swept_at = now
            await self._write(schedule.purge_keys)
            await self._write(limits.sweep)
            await self._write(captures.tidy)
            await self._write(partial(schedule.clamp, self._timing))
            await self._upkeep.recount()
            await self._forget_old()

    async def _forget_old(self) -> None:
        days = self._actor.installation.settings.retention_days
        for _ in range(RETENTION_AT_ONCE):
            if not await self._write(partial(retention.sweep, days)):
                return

    async def _write(self, work: Callable[[], T]) -> T:
        return await landed(self._writer.submit(work))


def _active_versions() -> frozenset[int]:
    query = Route.select(Route.active_version).where(
        Route.active_version.is_null(False)
    )
    return frozenset(row.active_version_id for row in query)
