"""How long the outbox waits for what; tests shorten it."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import timedelta

from portal.mail.types import Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Seconds. `urgent_s` and `normal_s` are the pauses after try 1, 2, 3, …"""

    lease_s: float = 120
    urgent_s: tuple[float, ...] = (5, 15, 45, 120, 240)
    normal_s: tuple[float, ...] = (60, 300, 900, 1800, 3600, 7200, 14400, 28800)
    greylist_s: float = 300  # RFC 6647 §4.5: most greylists open after this
    uncertain_urgent_s: float = 30
    uncertain_normal_s: float = 900
    breaker_s: tuple[float, ...] = (60, 120, 300, 900)
    throttle_s: tuple[float, ...] = (10, 20, 40, 80, 160, 300)
    throttle_rise: int = 10  # percent of the pace that come back …
    throttle_rise_s: float = 60  # … in each such time without a complaint
    release_share: float = 0.2  # of the measured rate, after an outage
    release_doubling_s: float = 60
    jitter: float = 0.2
    poll_s: float = 1
    clock_jump_s: float = 30  # wall and monotonic clock may differ by this
    clock_rest_s: float = 3600  # nothing expires so long after a jump

    @property
    def lease(self) -> timedelta:
        return timedelta(seconds=self.lease_s)

    @property
    def furthest(self) -> timedelta:
        """No pause is longer; a stored time beyond it is a clock's doing."""
        longest = max(
            *self.normal_s, *self.breaker_s, *self.throttle_s, self.uncertain_normal_s
        )
        return timedelta(seconds=1.5 * longest)

    def pause(self, kind: str, tries: int, *, greylisted: bool = False) -> timedelta:
        """The pause after the `tries`th try (from 1) of a message of this kind."""
        row = self.urgent_s if is_urgent(kind) else self.normal_s
        pause_s = row[min(max(tries, 1), len(row)) - 1] * self._shake()
        return timedelta(seconds=max(pause_s, self.greylist_s if greylisted else 0))

    def uncertain_pause(self, kind: str) -> timedelta:
        """Before the one retry of a mail whose fate nobody knows (§2.4)."""
        urgent = is_urgent(kind)
        return timedelta(
            seconds=self.uncertain_urgent_s if urgent else self.uncertain_normal_s
        )

    def breaker_pause_s(self, failures: int) -> float:
        """The pause of a sender after its `failures`th trouble in a row, from 1."""
        return self.breaker_s[min(max(failures, 1), len(self.breaker_s)) - 1]

    def throttle_pause(self, throttles: int) -> timedelta:
        """The pause of a sender whose relay wants less, the `throttles`th in a row."""
        pauses = self.throttle_s
        return timedelta(seconds=pauses[min(max(throttles, 1), len(pauses)) - 1])

    def _shake(self) -> float:
        return 1 + self.jitter * random.uniform(-1, 1)


def is_urgent(kind: str) -> bool:
    return Kind(kind).urgent
