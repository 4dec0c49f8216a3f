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
from portal.services.outbox.lanes import Lane
from portal.services.outbox.timing import Timing

CONNECTIONS = 4  # of a lane, unless its sender says less (RELIABILITY §2.2)
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
        self.connections = CONNECTIONS
        self.under_way = 0  # claimed and not ended
        self._busy = 0
        self._idle: list[Warm] = []
        self._freed = asyncio.Condition()

    @property
    def room(self) -> int:
        """How many more may be claimed now; a half open breaker lets one through."""
        if self.breaker.is_open:
            return 0
        most = 1 if self.breaker.is_half_open else self.connections * AHEAD
        return max(most - self.under_way, 0)

    @property
    def is_quiet(self) -> bool:
        """Nothing is known here that a new lane would not know."""
        breaker = self.breaker
        troubled = breaker.is_open or breaker.is_half_open
        return not (self.under_way or self._idle or troubled)

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
                self._freed.notify()

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
