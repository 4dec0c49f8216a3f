"""Holes 9 to 12: what a start or a clock must not take for the end of a lease.

The schedule of an engine, tick by tick, with clocks that the test moves.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from portal.delivery.types import ENGINE
from portal.engine.bell import EngineBell
from portal.engine.clocks import Clocks
from portal.engine.dispatch import Dispatch
from portal.engine.reads import Reads
from portal.engine.schedule import RECOVERY_EVERY, Schedule
from portal.services.outbox.owners import Life
from portal.services.outbox.timing import Timing
from portal.store.fields import now
from portal.store.models import Attempt, Recipient
from tests.outbox.conftest import Desk

pytestmark = pytest.mark.usefixtures("both_databases")

TIMING = Timing(lease_s=120, clock_rest_s=3600, jitter=0)
FAR_AHEAD = 9_000_000_000_000_000
YEARS_S = 10 * 365 * 86_400


class Start:
    """An engine's schedule that has just started; nothing passes by itself."""

    def __init__(self, desk: Desk) -> None:
        self.wall, self.monotonic = 1e9, 500.0
        self._desk = desk
        self._reads = Reads()
        self._life = Life(desk.installation.settings.instance, "worker-9")
        self._clocks = Clocks(
            TIMING, wall=lambda: self.wall, monotonic=lambda: self.monotonic
        )

    def pass_by(self, seconds: float) -> None:
        self.wall += seconds
        self.monotonic += seconds

    def look(self) -> None:
        """So many ticks that recovery has its turn."""
        asyncio.run(self._look())

    async def _look(self) -> None:
        actor, reads = self._desk.engine, self._reads
        given: dict[str, Any] = {"timing": TIMING}
        dispatch = Dispatch(
            actor, "worker-9", EngineBell(), reads, limits=ENGINE, **given
        )
        schedule = Schedule(
            actor,
            "worker-9",
            self._life,
            reads,
            dispatch,
            clocks=self._clocks,
            **given,
        )
        for _ in range(RECOVERY_EVERY):
            await schedule.tick()

    def end(self) -> None:
        self._reads.close(lambda: self._life.drop(settled=True))


@pytest.fixture
def start(desk: Desk) -> Iterator[Callable[[], Start]]:
    """`start()`; its worker is alive, and so is worker-1, whose claims these are."""
    life = Life(desk.installation.settings.instance, "worker-1")
    assert life.hold()
    made: list[Start] = []

    def begin() -> Start:
        made.append(Start(desk))
        return made[-1]

    yield begin
    for each in made:
        each.end()
    life.drop(settled=True)


def _marked(desk: Desk) -> Any:
    message = desk.message()
    attempt = desk.claim(message)
    assert desk.mark(attempt)
    return message


def test_hole_9_recover_ended(desk, start):
    """A start recovers no row of a worker that lives and renews."""
    message = _marked(desk)
    begun = start()

    begun.look()
    begun.pass_by(TIMING.lease_s)
    begun.look()

    assert desk.states(message) == ["sending"]
    assert desk.events(message) == []


def test_hole_9_a_lease_passes_first_after_a_start(desk, start):
    """Then one that does not renew is lost, though its process stands."""
    message = _marked(desk)
    Attempt.update(lease_until=1).execute()
    begun = start()

    begun.look()
    assert desk.states(message) == ["sending"]

    begun.pass_by(TIMING.lease_s)
    begun.look()
    assert desk.states(message) == ["uncertain"]


def test_hole_10_clamp_lease(desk, start):
    """A clock was set back: the lease would end in years, and nobody would send."""
    desk.message()
    attempt = desk.claim()
    Attempt.update(lease_until=FAR_AHEAD).execute()

    start().look()

    assert desk.attempt(attempt).lease_until <= now() + TIMING.lease


def test_hole_10_a_jump_back_cuts_what_was_ahead(desk, start):
    begun = start()
    begun.look()
    desk.message()
    attempt = desk.claim()
    Attempt.update(lease_until=FAR_AHEAD).execute()

    begun.wall -= YEARS_S
    begun.look()

    assert desk.attempt(attempt).lease_until <= now() + TIMING.lease


def test_hole_11_lease_checks_clock(desk, start):
    """A clock goes ahead: every lease looks over. Two copies, though nothing failed."""
    message = _marked(desk)
    begun = start()
    begun.pass_by(TIMING.lease_s)
    begun.look()
    begun.wall += YEARS_S
    Attempt.update(lease_until=1).execute()  # what the clock makes of it

    begun.look()
    assert desk.states(message) == ["sending"]

    begun.pass_by(TIMING.lease_s)
    begun.look()
    assert desk.states(message) == ["uncertain"]


def test_hole_12_expiry_checks_clock(desk, start):
    """A clock goes ahead: the whole queue would expire at once."""
    message = desk.message()
    begun = start()
    begun.look()
    begun.wall += YEARS_S
    Recipient.update(expires_at=1).execute()

    begun.look()
    assert desk.states(message) == ["queued"]

    begun.pass_by(TIMING.clock_rest_s)
    begun.look()
    assert desk.states(message) == ["expired"]
