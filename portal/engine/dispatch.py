"""The dispatcher: claims what there is room for and sends each on its way."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Collection
from functools import partial

from portal.delivery.types import Limits
from portal.engine.bell import EngineBell
from portal.engine.courier import Courier
from portal.engine.endings import Endings
from portal.engine.flight import Flight
from portal.engine.landing import landed
from portal.engine.lane import AHEAD, CONNECTIONS, LaneState
from portal.engine.reads import Reads
from portal.engine.recorder import Recorder
from portal.services.actor import Actor
from portal.services.outbox.claim import Taken, claim, heartbeat
from portal.services.outbox.lanes import Lane, Means, Room
from portal.services.outbox.timing import Timing

log = logging.getLogger(__name__)

UNDER_WAY = 128  # messages of all lanes together


class Dispatch:
    """From `start` to `stop`. What it holds in memory are claims, nothing else."""

    def __init__(
        self,
        actor: Actor,
        owner: str,
        bell: EngineBell,
        reads: Reads,
        *,
        timing: Timing,
        limits: Limits,
    ) -> None:
        installation = actor.installation
        self.recorder = Recorder(installation.writer)
        endings = Endings(actor, self.recorder, timing)
        self._courier = Courier(actor, reads, endings, timing=timing, limits=limits)
        self._installation = installation
        self._owner = owner
        self._bell = bell
        self._timing = timing
        self._ear = bell.listen(mail=True)
        self._lanes: dict[Lane, LaneState] = {}
        self._flights: dict[Flight, asyncio.Task[None]] = {}
        self._more = True  # there may be due rows that no bell announces
        self._stopping = False
        self._run: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._run = asyncio.create_task(self._serve(), name="dispatch")

    @property
    def held(self) -> frozenset[int]:
        """The attempts that this process holds."""
        return frozenset(flight.claimed.attempt_id for flight in self._flights)

    def look(self) -> None:
        """Something is due in the database."""
        self._more = True
        self._ear.set()

    async def renew(self) -> None:
        """Heartbeat: line 4 for everything that is held."""
        if not self._flights:
            return
        asked_at, flights = time.monotonic(), list(self._flights)
        ids = [flight.claimed.attempt_id for flight in flights]
        work = partial(heartbeat, ids, self._timing)
        renewed = await landed(self._installation.writer.submit(work))
        for flight in flights:
            if flight.claimed.attempt_id in renewed:
                flight.renewed_at = asked_at

    async def close_idle(self, active: Collection[int]) -> None:
        """Warm sessions that rested too long or whose version was replaced."""
        for lane, state in list(self._lanes.items()):
            replaced = lane.version_id is not None and lane.version_id not in active
            await state.close_idle(all_of_them=replaced)
            if state.is_quiet:
                del self._lanes[lane]

    async def stop(self, grace_s: float, dot_grace_s: float) -> bool:
        """No new claims; what is under way may end. Whether all of it did.

        Behind the mark a relay is given longer: hanging up then is `uncertain`.
        """
        self._stopping = True
        self._ear.set()
        if self._run is not None:
            await self._run  # a claim on its way to COMMIT is still ours
        ends_at = time.monotonic() + grace_s
        dots_end_at = time.monotonic() + dot_grace_s
        self._cancel(lambda flight: not flight.begun)
        await self._wait_until(ends_at)
        self._cancel(lambda flight: flight.marking is None)
        await self._wait_until(dots_end_at)
        settled = not self._flights
        self._cancel(lambda _flight: True)
        await self._wait_until(time.monotonic() + grace_s)
        settled = await self.recorder.settle(grace_s) and settled
        for state in self._lanes.values():
            await state.close_idle(all_of_them=True)
        return settled

    async def _serve(self) -> None:
        while not self._stopping:
            await self._ear.wait()
            self._ear.clear()
            try:
                await self._claim_all()
            except Exception:
                log.exception("nothing could be claimed; the next look tries again")

    async def _claim_all(self) -> None:
        """Until nothing is due, or there is no room for more."""
        while self._may_claim():
            room = self._room()
            self._more = self._bell.take_overflow() or self._more
            if self._more:
                self._bell.forget()  # their rows are looked at with all others
            ids = self._bell.take(room.total)
            if not room.total or not (ids or self._more):
                return  # the end of a flight wakes us again
            taken = await self._claim(room, ids)
            if self._more and not taken:
                # Only lanes are full: the next landing, or the next tick, asks again.
                self._more = taken.more and bool(self._flights)
                return
            self._more = taken.more

    async def _claim(self, room: Room, ids: list[int]) -> Taken:
        installation, asked_at = self._installation, time.monotonic()
        default = installation.settings.default_sender
        capped = default is not None and installation.settings.limits
        means = Means(
            platform=default is not None,
            sandbox=installation.sandbox_port() is not None,
            per_hour=default.per_hour if default and capped else None,
        )
        work = partial(
            claim,
            owner=self._owner,
            means=means,
            room=room,
            timing=self._timing,
            ids=ids,
        )
        claimed = await landed(installation.writer.submit(work))
        for each in claimed:
            self._launch(Flight(claimed=each, renewed_at=asked_at))
        return claimed

    def _may_claim(self) -> bool:
        if self._stopping or self.recorder.is_behind:
            return False
        return self._installation.room.claims()

    def _room(self) -> Room:
        return Room(
            total=max(UNDER_WAY - len(self._flights), 0),
            each=CONNECTIONS * AHEAD,
            left={lane: state.room for lane, state in self._lanes.items()},
        )

    def _launch(self, flight: Flight) -> None:
        lane = flight.claimed.lane
        state = self._lanes.setdefault(lane, LaneState(lane, self._timing))
        state.begin(flight.claimed.share, flight.claimed.connections)
        task = asyncio.create_task(self._courier.carry(flight, state), name="message")
        self._flights[flight] = task
        task.add_done_callback(partial(self._landed, flight, state))

    def _landed(
        self, flight: Flight, state: LaneState, task: asyncio.Task[None]
    ) -> None:
        state.end()
        del self._flights[flight]
        if not task.cancelled() and task.exception() is not None:
            log.error("a message was dropped", exc_info=task.exception())
        if self._more or self._bell.waiting:
            self._ear.set()

    def _cancel(self, which: Callable[[Flight], bool]) -> None:
        for flight, task in self._flights.items():
            if which(flight):
                task.cancel()

    async def _wait_until(self, ends_at: float) -> None:
        if self._flights:
            left_s = max(ends_at - time.monotonic(), 0)
            await asyncio.wait(self._flights.values(), timeout=left_s)
