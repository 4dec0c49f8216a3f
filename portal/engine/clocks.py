"""Two clocks and whether they agree: the wall's may jump, the monotonic one never."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta

from portal.services.outbox.timing import Timing


class Clocks:
    """After a jump leases rest for one lease, expiry for an hour (outbox §5).

    `wall` and `monotonic` tell seconds; whoever tests time gives others.
    """

    def __init__(
        self,
        timing: Timing,
        *,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._timing = timing
        self._wall = wall
        self._monotonic = monotonic
        self._begun_at = monotonic()
        self._offset_s = wall() - monotonic()
        self._jumped_at: float | None = None
        self.set_back = timedelta(0)  # by the last jump, if that went back

    def look(self) -> bool:
        """Compare; whether the wall clock has just jumped."""
        offset_s = self._wall() - self._monotonic()
        ahead_s = offset_s - self._offset_s
        jumped = abs(ahead_s) > self._timing.clock_jump_s
        self._offset_s = offset_s
        if jumped:
            self.set_back = timedelta(seconds=max(-ahead_s, 0))
            self._jumped_at = self._monotonic()
        return jumped

    @property
    def leases_count(self) -> bool:
        """A living worker has had one lease of time to renew, since the start and
        since the last jump."""
        return self._rested(self._timing.lease_s, self._begun_at)

    @property
    def expiry_counts(self) -> bool:
        return self._rested(self._timing.clock_rest_s, None)

    def _rested(self, rest_s: float, begun_at: float | None) -> bool:
        marks = (self._jumped_at, begun_at)
        last = max((at for at in marks if at is not None), default=None)
        return last is None or self._monotonic() - last >= rest_s
