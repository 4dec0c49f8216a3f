"""One claimed message in the memory of this process."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

from portal.services.outbox.claim import Claimed


@dataclass(slots=True, kw_only=True, eq=False)
class Flight:
    """`marking` is the mark on its way to COMMIT; it never raises."""

    claimed: Claimed
    renewed_at: float  # monotonic, before the claim or the last heartbeat was asked
    begun: bool = False  # it has a connection, or the right to one
    begun_at: float = field(default_factory=time.monotonic)
    marking: asyncio.Task[None] | None = None
    marked: bool = False  # the mark is committed
    withdrawn: bool = False  # it was refused, and the attempt ended with it
    refused: bool = False  # some recipients were, before the mark

    def begin(self) -> None:
        self.begun, self.begun_at = True, time.monotonic()

    @property
    def ms(self) -> int:
        return int((time.monotonic() - self.begun_at) * 1000)

    async def is_marked(self) -> bool:
        """Once it is known: a mark may still be on its way to COMMIT."""
        if self.marking is not None:
            await asyncio.shield(self.marking)
        return self.marked

    def may_write_dot(self, lease_s: float) -> bool:
        """On the monotonic clock half the lease must be left, so that a process
        that was stopped between mark and dot keeps silent (outbox §2)."""
        return time.monotonic() - self.renewed_at < lease_s / 2
