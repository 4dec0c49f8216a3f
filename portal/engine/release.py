"""After an outage a queue comes back slowly, not all at once on a relay just mended.

It begins with a share of the rate that was measured before and doubles each
minute.
"""

from __future__ import annotations

from collections import deque
from math import floor, log

from portal.services.outbox.timing import Timing

BUCKET_S = 10.0
BUCKETS = 30  # five minutes
LEAST_PER_S = 5.0  # taken for measured where nothing was: a process just started


class Meter:
    """How many mails a second went out in the best ten seconds of late."""

    def __init__(self) -> None:
        self._buckets: deque[tuple[int, int]] = deque(maxlen=BUCKETS)

    def count(self, at: float) -> None:
        """`at` on the monotonic clock, here as below."""
        here = int(at / BUCKET_S)
        before = self._buckets.pop() if self._buckets else (here, 0)
        if before[0] != here:
            self._buckets.append(before)
            before = (here, 0)
        self._buckets.append((here, before[1] + 1))

    @property
    def per_s(self) -> float:
        best = max((count for _, count in self._buckets), default=0)
        return max(best / BUCKET_S, LEAST_PER_S)


class Release:
    """From a recovery on: how many mails may begin by now."""

    def __init__(self, measured_per_s: float, timing: Timing, at: float) -> None:
        self._first_per_s = measured_per_s * timing.release_share
        self._doubling_s = timing.release_doubling_s
        self._measured_per_s = measured_per_s
        self._began_at = at
        self._begun = 0

    def begin(self) -> None:
        self._begun += 1

    def room(self, at: float) -> int:
        """One at once, then by a rate that doubles: its integral is what may be."""
        doublings = (at - self._began_at) / self._doubling_s
        so_far = self._first_per_s * self._doubling_s / log(2) * (2**doublings - 1)
        return max(floor(1 + so_far) - self._begun, 0)

    def is_over(self, at: float) -> bool:
        doublings = (at - self._began_at) / self._doubling_s
        return self._first_per_s * 2**doublings >= self._measured_per_s
