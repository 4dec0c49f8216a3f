"""A worker process as the machine plays it: its memory, its clocks, its end.

Claims, marks and results are the engine's own, with its real `Schedule`, `Clocks`
and `Endings`; only the sockets are missing.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import partial

from portal.delivery.types import Outcome, RecipientResult
from portal.engine.clocks import Clocks
from portal.engine.endings import Endings, Via
from portal.engine.flight import Flight
from portal.engine.lane import LaneState
from portal.engine.reads import Reads
from portal.engine.recorder import Recorder
from portal.engine.schedule import RECOVERY_EVERY, Schedule
from portal.services.outbox import marks
from portal.services.outbox.claim import Claimed, claim, heartbeat
from portal.services.outbox.classify import refusals
from portal.services.outbox.lanes import Means, Room
from portal.services.outbox.owners import Life
from tests.machine.office import Office

MEANS = Means(platform=True, sandbox=False)


@dataclass(eq=False)
class Errand:
    """An attempt in the memory of a worker, and what the relay made of it."""

    flight: Flight
    lane: LaneState
    dotted: bool = False
    kept: bool = False

    @property
    def is_owing(self) -> bool:
        """Its dot may still be written, or be on the wire."""
        return self.flight.marked and not self.dotted

    @property
    def claimed(self) -> Claimed:
        return self.flight.claimed

    @property
    def id(self) -> int:
        return self.flight.claimed.attempt_id


class Worker:
    """Also what its `Schedule` takes for the dispatcher: it holds the claims."""

    def __init__(self, office: Office, name: str) -> None:
        self.name = name
        self.errands: list[Errand] = []
        self.jumped_at: float | None = None  # monotonic; as it can know
        self._ahead_s = office.dial.wall() - office.dial.monotonic()
        self._office = office
        self._timing = office.timing
        self._reads = Reads()
        self._life = Life(office.settings.instance, name)
        assert office.loop.run(self._reads.run(self._life.hold))
        self._endings = Endings(
            office.engine, Recorder(office.installation.writer), office.timing
        )
        self._schedule = Schedule(
            office.engine,
            name,
            self._life,
            self._reads,
            self,  # type: ignore[arg-type]
            timing=office.timing,
            clocks=Clocks(
                office.timing, wall=office.dial.wall, monotonic=office.dial.monotonic
            ),
        )

    @property
    def held(self) -> frozenset[int]:
        return frozenset(errand.id for errand in self.errands)

    def sees_jump(self) -> None:
        """Before it ticks: whether the wall clock was set since it last did."""
        dial = self._office.dial
        ahead_s = dial.wall() - dial.monotonic()
        if abs(ahead_s - self._ahead_s) > self._timing.clock_jump_s:
            self.jumped_at = dial.monotonic()
        self._ahead_s = ahead_s

    def look(self) -> None:
        """Something is due: a rule of the machine claims it, or none does."""

    async def close_idle(self, active: Collection[int]) -> None:
        """It has no connections."""

    def tick(self) -> None:
        """As often as the engine ticks until it looks for the dead."""

        async def ticks() -> None:
            for _ in range(RECOVERY_EVERY):
                await self._schedule.tick()

        self._office.loop.run(ticks())

    def claim(self, ids: Sequence[int], most: int, *, forgets: bool) -> list[Claimed]:
        """`forgets`: its COMMIT is unknown, and the lease is left to end."""
        work = partial(
            claim,
            owner=self.name,
            means=MEANS,
            room=Room(total=most, each=most),
            timing=self._timing,
            ids=ids,
        )
        taken = self._office.run(work)
        asked_at = self._office.dial.monotonic()
        if not forgets:
            self.errands += [
                Errand(
                    Flight(claimed=each, renewed_at=asked_at),
                    LaneState(each.lane, self._timing),
                )
                for each in taken
            ]
        return taken

    def renew(self) -> None:
        """The heartbeat, as `Dispatch.renew`."""
        if not self.errands:
            return
        ids = [errand.id for errand in self.errands]
        renewed = self._office.run(partial(heartbeat, ids, self._timing))
        for errand in self.errands:
            if errand.id in renewed:
                errand.flight.renewed_at = self._office.dial.monotonic()

    def mark(
        self, errand: Errand, results: Sequence[RecipientResult], *, unknown: bool
    ) -> bool:
        """Line 5 or 6, as `Courier`: what was granted. An unknown COMMIT is no mark
        for the worker, whatever it is for the database."""
        flight, targets = errand.flight, errand.claimed.targets
        took = {row.address for row in results if row.reply and row.reply.positive}
        refused = [row for row in results if row.address not in took]
        flight.refused = bool(refused)
        granted = self._office.run(
            partial(
                marks.mark,
                self._office.engine,
                errand.id,
                accepted=[row.id for row in targets if row.address in took],
                refused=refusals(refused, targets, split=True),
                timing=self._timing,
            )
        )
        if not unknown:
            flight.marked, flight.withdrawn = granted, not granted
        return granted

    def end(self, errand: Errand, outcome: Outcome, *, again: bool) -> bool:
        """Write what the relay said. `again`: COMMIT was unknown, so once more;
        whether that changed anything."""
        work = self._endings.conclude(
            errand.flight, errand.lane, outcome, Via(), warm=False
        )
        self.errands.remove(errand)
        if work is None:
            return False
        self._office.run(work)
        return bool(again and self._office.run(work))

    def release(self, errand: Errand) -> None:
        self.errands.remove(errand)
        self._office.loop.run(self._endings.released(errand.flight))

    def breaks(self, errand: Errand, error: Exception) -> None:
        """An exception instead of an outcome."""
        self.errands.remove(errand)
        self._office.loop.run(self._endings.broken(errand.flight, error))

    def stop(self) -> None:
        """SIGTERM, and nothing ended in time."""
        for errand in self.errands:
            self._office.loop.run(self._endings.abandoned(errand.flight))
        self.errands = []
        self.die(leaves_lock=False)

    def die(self, *, leaves_lock: bool) -> None:
        """`kill -9`. Without its lock nobody knows that it is dead."""
        self._reads.close(partial(self._life.drop, settled=not leaves_lock))
        self.errands = []
