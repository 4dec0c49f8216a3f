"""Faults 4 and 5: a process that is asked to end, and one that stands still."""

from __future__ import annotations

import dataclasses
import random
import signal
import time

import pytest

from tests.faults.household import LIMITS, QUICK
from tests.faults.invariants import holds, unsettled
from tests.faults.test_kills import begin, queue, settle, until_busy

pytestmark = pytest.mark.timeout(36_000)
STANDS_S = 300
# PostgreSQL ends a transaction that stands still after 15 s.
TAKEN_OVER_S = 60
# The stopped process holds its lock and its connections: only its lease ends.
LEASE = dataclasses.replace(QUICK, lease_s=1.5)


@pytest.mark.xdist_group("stops-asked")
def test_asked_to_end_again_and_again(cradle, home, moody, size, seed, told):
    """Fault 4: the relay answers in time, so no copy is one too many."""
    relay, dice, count = moody(pause_s=0.05), random.Random(seed), size(12, 100)
    house = home(relay)

    with house.clients(3):
        for _ in range(count):
            child = begin(cradle, house, "serve")
            until_busy(house, child)
            time.sleep(dice.uniform(0.05, 0.2))
            assert child.stop() == 0, child.said[-3000:]
        last = begin(cradle, house, "serve")
        until_busy(house, last)
    last.stop()
    settle(cradle, house)

    found = holds(house, relay)
    assert found.extra == 0
    assert set(found.states) == {"sent"}
    held = f"{len(found.rows)} accepted, each sent once, exit 0 each time"
    told(4, f"{count} × SIGTERM under load", f"{held} (seed {seed})")


@pytest.mark.xdist_group("stops-still")
@pytest.mark.parametrize("both_databases", ["postgresql"], indirect=True)
def test_stands_still_while_another_takes_over(
    cradle, both_databases, home, moody, size, seed, told
):
    """Fault 5: SIGSTOP at any moment. Another worker waits for the end of the lease,
    and of a transaction that stands still, and takes over."""
    relay, dice, count = moody(pause_s=0.1), random.Random(seed), size(1, 20)
    stands_s = size(0, STANDS_S) / count
    house = home(relay)

    for turn in range(count):
        queue(house, 60, prefix=f"turn{turn}")
        first, second = (
            cradle.bear(
                "worker", house.folder, env=house.env, timing=LEASE, limits=LIMITS
            )
            for _ in range(2)
        )
        for child in (first, second):
            child.until_awake()
        time.sleep(dice.uniform(0, 0.4))
        first.signal(signal.SIGSTOP)
        stopped_at = time.monotonic()
        while unsettled(house):
            assert time.monotonic() - stopped_at < TAKEN_OVER_S, "nobody took over"
            time.sleep(0.1)
        time.sleep(max(stopped_at + stands_s - time.monotonic(), 0))
        first.signal(signal.SIGCONT)
        assert first.stop() == 0, first.said[-3000:]
        assert second.stop() == 0, second.said[-3000:]

    found = holds(house, relay)
    injected = f"{count} × SIGSTOP of one of two workers, SIGCONT"
    told(5, injected, f"the other took over; {found.line()} (seed {seed})")
