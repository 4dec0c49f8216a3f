"""Fault 41: the wall clock jumps under a running portal."""

from __future__ import annotations

import dataclasses
import time

import pytest

from tests.faults.household import QUICK
from tests.faults.invariants import holds, unsettled
from tests.faults.shim import Shim
from tests.faults.test_database import served

pytestmark = pytest.mark.timeout(600)
HOUR, TEN_YEARS = 3600, 10 * 365 * 86400
# Seconds ahead of the true time, one after the other: each step is a jump.
JUMPS = (HOUR, 0, -HOUR, 0, TEN_YEARS, 0)
# A pause of an hour is possible, so that no row is cut for being too far away.
TIMING = dataclasses.replace(QUICK, normal_s=(0.1, 0.2, HOUR))
STUCK_S = 30  # of the portal's own monotonic time; all pauses are far below


@pytest.mark.xdist_group("clock")
def test_clock_jumps(shimmed, home, moody, told):
    """Mails wait, are under way and are deferred when it jumps: no copy too many,
    none expired, none that waits for the clock."""
    relay = moody(pause_s=0.1)
    house = home(relay)
    shim = Shim(house.folder, house.settings.instance)
    child = served(shimmed, house, timing=TIMING, **shim.environment)
    longest_s = 0.0

    for turn, ahead_s in enumerate(JUMPS):
        relay.defer |= {f"mail-{turn}-{n}@example.com" for n in range(3)}
        for number in range(24):
            assert house.post(f"mail-{turn}-{number}") == 202
        assert relay.one_more(STUCK_S)
        shim["clock_s"] = ahead_s
        began = time.monotonic()
        house.post_until_accepted(f"behind-{turn}")
        while unsettled(house):
            assert time.monotonic() - began < STUCK_S, (
                turn,
                ahead_s,
                child.said[-3000:],
            )
            time.sleep(0.1)
        longest_s = max(longest_s, time.monotonic() - began)

    assert child.stop() == 0, child.said[-3000:]
    found = holds(house, relay)
    assert found.extra == 0
    assert set(found.states) == {"sent"}
    jumps = "+1 h, -1 h, -1 h, +1 h, +10 y, -10 y"
    told(41, jumps, f"{len(found.rows)} sent once, all within {longest_s:.0f} s")
