"""The breaker of a lane: a sender in trouble is asked less and less often.

Not a state in the database: after a start the first mail is the probe.
"""

from __future__ import annotations

import time

from portal.services.outbox.timing import Timing

MAIL_REFUSALS = 5  # MAIL FROM refused so often in a row is no fault of one mail


class Breaker:
    """Closed, open until a time, or half open: then one mail is the probe."""

    def __init__(self, timing: Timing) -> None:
        self._timing = timing
        self._failures = 0
        self._refusals = 0
        self._open_until = 0.0  # monotonic

    @property
    def is_open(self) -> bool:
        return time.monotonic() < self._open_until

    @property
    def is_half_open(self) -> bool:
        return self._failures > 0 and not self.is_open

    def tripped(self) -> float:
        """The sender is in trouble. Seconds until its next probe.

        Mails that were under way together are one trouble, not several.
        """
        if not self.is_open:
            self._failures += 1
            pause_s = self._timing.breaker_pause_s(self._failures)
            self._open_until = time.monotonic() + pause_s
        return max(self._open_until - time.monotonic(), 0)

    def works(self) -> None:
        """The relay let us in and spoke of a mail: the sender works."""
        self._failures = 0
        self._open_until = 0.0

    def refused_mail(self) -> None:
        self._refusals += 1
        if self._refusals >= MAIL_REFUSALS:
            self._refusals = 0
            self.tripped()

    def took_mail(self) -> None:
        self._refusals = 0
