"""One lane of the engine: its breaker, its connections, those that are warm."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from portal.delivery.conversation import Session
from portal.delivery.types import Relay
from portal.engine.breaker import Breaker
from portal.engine.release import Meter, Release
from portal.services.outbox.lanes import Lane
from portal.services.outbox.timing import Timing

CONNECTIONS = 4  # of a lane, unless its sender says less
AHEAD = 4  # claimed for each connection, so that none waits for a commit
IDLE_S = 20.0  # a warm connection is closed before relays lose their patience
RESTED_S = 5.0  # after such a rest it is asked whether it still stands
PROBE_S = 3.0
MAILS = 100  # on one connection; many relays close after this


@dataclass(slots=True, kw_only=True)
class Warm:
    """A session that another mail may ride on."""

    session: Session
    relay: Relay
    provider: str | None
    carried: int = 0
    idle_since: float = field(default_factory=time.monotonic)

    @property
    def is_fit(self) -> bool:
        patient = self._rest_s < IDLE_S
        return self.session.usable and self.carried < MAILS and patient

    async def answers(self, probe_s: float) -> bool:
        """Whether a mail may go out on it now. Right after another mail nothing is
        asked: a relay that hangs up then costs a connection, not an attempt."""
        if not self.is_fit:
            return False
        return self._rest_s < RESTED_S or await self.session.probe(probe_s)

    @property
    def _rest_s(self) -> float:
        return time.monotonic() - self.idle_since


class LaneState:
    """Everything that this process knows of one lane."""

    def __init__(self, lane: Lane, timing: Timing) -> None:
        self.lane = lane
        self.breaker = Breaker(timing)
        self.most = CONNECTIONS  # as its sender says
        self.share = 100  # percent of its pace that its relay leaves it
        self.is_ailing = False  # its failures in a row are counted in the database
        self.under_way = 0  # claimed and not ended
        self._timing = timing
        self._busy = 0
        self._idle: list[Warm] = []
        self._freed = asyncio.Condition()
        self._held_until = 0.0  # monotonic
        self._meter = Meter()
        self._release: Release | None = None

    @property
    def connections(self) -> int:
        return max(self.most * self.share // 100, 1)

    @property
    def is_shut(self) -> bool:
        """Nothing may begin now, also what was claimed already."""
        return self.breaker.is_open or time.monotonic() < self._held_until

    @property
    def room(self) -> int:
        """How many more may be claimed now; a half open breaker lets one through."""
        if self.is_shut:
            return 0
        most = 1 if self.breaker.is_half_open else self.connections * AHEAD
        room = max(most - self.under_way, 0)
        release = self._releasing(time.monotonic())
        return room if release is None else min(room, release)

    @property
    def is_quiet(self) -> bool:
        """Nothing is known here that a new lane would not know."""
        troubled = self.is_shut or self.breaker.is_half_open
        return not (self.under_way or self._idle or troubled or self._release)

    def begin(self, share: int, most: int | None = None) -> None:
        """One more is claimed; the share of its pace and the connections that its
        sender had then."""
        self.under_way += 1
        self.share, self.most = share, most or CONNECTIONS
        if self._release is not None:
            self._release.begin()

    def end(self) -> None:
        self.under_way -= 1

    def works(self) -> None:
        """The relay let us in and spoke of a mail."""
        at = time.monotonic()
        if self.breaker.is_half_open:
            self._release = Release(self._meter.per_s, self._timing, at)
        self._meter.count(at)
        self.breaker.works()

    def hold(self) -> None:
        """The relay wants less. How long, the database says at the next claim."""
        pause_s = self._timing.throttle_pause(1).total_seconds()
        self._held_until = time.monotonic() + pause_s

    def _releasing(self, at: float) -> int | None:
        if self._release is not None and self._release.is_over(at):
            self._release = None
        return None if self._release is None else self._release.room(at)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[None]:
        """The right to hold one connection of this lane."""
        async with self._freed:
            await self._freed.wait_for(lambda: self._busy < self.connections)
            self._busy += 1
        try:
            yield
        finally:
            self._busy -= 1
            async with self._freed:
                self._freed.notify(max(self.connections - self._busy, 1))

    async def take_warm(self, *, probe_s: float = PROBE_S) -> Warm | None:
        """The last used session that is still good; others are closed."""
        while self._idle:
            warm = self._idle.pop()
            if await warm.answers(probe_s):
                return warm
            await warm.session.close()
        return None

    async def keep(self, warm: Warm) -> None:
        warm.carried += 1
        warm.idle_since = time.monotonic()
        if warm.is_fit:
            self._idle.append(warm)
        else:
            await warm.session.close()

    async def close_idle(self, *, all_of_them: bool) -> None:
        """Those that rested too long; all when the version is no longer active. A
        session that owes an answer to a dot is never among them."""
        out = [warm for warm in self._idle if all_of_them or not warm.is_fit]
        self._idle = [warm for warm in self._idle if warm not in out]
        for warm in out:
            await warm.session.close()
