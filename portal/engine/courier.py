"""One claimed message on its way: a warm session or a new one, the mark, the dot."""

from __future__ import annotations

import asyncio
import logging
from functools import partial

from portal.delivery.conversation import connect
from portal.delivery.types import Failed, Limits, Mark, Outcome, Step
from portal.engine.endings import Endings, Via, Work, unopened
from portal.engine.flight import Flight
from portal.engine.landing import landed
from portal.engine.lane import LaneState, Warm
from portal.engine.loading import CannotSign, Load, Loading
from portal.engine.reads import Reads
from portal.engine.telling import as_outcome, refused_some, told
from portal.errors import Fault
from portal.services.actor import Actor
from portal.services.outbox import marks
from portal.services.outbox.classify import AT_ONCE, judge, refusals
from portal.services.outbox.states import State
from portal.services.outbox.timing import Timing
from portal.services.outbox.verdict import Told
from portal.services.senders.carrying import Carrier, carrier
from portal.store.alike import Alike

log = logging.getLogger(__name__)

READ_AHEAD_BYTES = 256 * 1024  # larger mails are in memory only while they are sent

_Unopened = tuple[Outcome, Via]


class Courier:
    """`carry` raises nothing; cancelled, it first puts right what it held."""

    def __init__(
        self,
        actor: Actor,
        reads: Reads,
        endings: Endings,
        *,
        timing: Timing,
        limits: Limits,
    ) -> None:
        self._actor = actor
        self._installation = actor.installation
        self._reads = reads
        self._loading = Loading(actor.installation)
        self._endings = endings
        self._timing = timing
        self._limits = limits

    async def carry(self, flight: Flight, lane: LaneState) -> None:
        try:
            await self._carry(flight, lane)
        except asyncio.CancelledError:
            await self._endings.abandoned(flight)
        except CannotSign as error:
            if not flight.begun:
                flight.begin()
            end = unopened(error.sentence)
            work = self._endings.conclude(flight, lane, end, Via(), warm=False)
            await self._endings.write(work)
        except Exception as error:
            log.exception("message %s broke its attempt", flight.claimed.public_id)
            await self._endings.broken(flight, error)

    async def _carry(self, flight: Flight, lane: LaneState) -> None:
        """A small mail is read before it has its connection, and the result is
        written after it: so a connection waits for one commit only, the mark's."""
        small = flight.claimed.size_bytes <= READ_AHEAD_BYTES
        load = await self._load(flight) if small else None
        if not small or load is not None:
            async with lane.connection():
                going = not lane.is_shut  # others may have met trouble meanwhile
                if going:
                    flight.begin()
                    load = load or await self._load(flight)
                    end = await self._send(flight, lane, load) if load else None
            if going and load is not None:
                await self._endings.write(end)
                return
        await self._endings.released(flight)

    async def _load(self, flight: Flight) -> Load | None:
        return await self._reads.run(partial(self._loading.load, flight.claimed))

    async def _send(self, flight: Flight, lane: LaneState, load: Load) -> Work | None:
        """Over a warm session or a fresh one; what is to be written of it."""
        warm = await lane.take_warm()
        if warm is not None:
            outcome = await self._submit(flight, warm, load)
            if flight.marked or not self._was_stale(flight, outcome):
                return await self._conclude(flight, lane, warm, outcome)
            # It was closed while it rested: that costs no attempt.
            await warm.session.close()
        opened = await self._open(flight, lane)
        if isinstance(opened, Warm):
            outcome = await self._submit(flight, opened, load)
            return await self._conclude(flight, lane, opened, outcome)
        outcome, via = opened
        return self._endings.conclude(flight, lane, outcome, via, warm=False)

    async def _open(self, flight: Flight, lane: LaneState) -> Warm | _Unopened:
        """A fresh session, or how it failed."""
        try:
            means = await self._reads.run(partial(self._carrier, flight))
        except Fault as error:
            return unopened(error.sentence), Via()
        opened = await connect(
            means.relay, means.net, _ignore, limits=self._limits, tokens=means.tokens
        )
        if isinstance(opened, Failed):
            via = Via(relay=means.relay, provider=means.provider)
            return as_outcome(opened), via
        return Warm(session=opened, relay=means.relay, provider=means.provider)

    def _carrier(self, flight: Flight) -> Carrier:
        claimed = flight.claimed
        return carrier(
            self._installation,
            claimed.lane.route,
            claimed.lane.version_id,
            tenant_id=claimed.tenant_id,
        )

    async def _conclude(
        self, flight: Flight, lane: LaneState, warm: Warm, outcome: Outcome
    ) -> Work | None:
        """Judge first, so that the lane knows before its connection is free."""
        via = Via(relay=warm.relay, provider=warm.provider)
        reused = warm.carried > 0
        try:
            work = self._endings.conclude(flight, lane, outcome, via, warm=reused)
        except Exception:
            await warm.session.close()
            raise
        await lane.keep(warm)
        return work

    async def _submit(self, flight: Flight, warm: Warm, load: Load) -> Outcome:
        async def before_dot(mark: Mark) -> bool:
            flight.marking = asyncio.create_task(self._mark(flight, warm, mark))
            marked = await flight.is_marked()
            # What is marked but too late is line 11: a mark and surely no dot.
            return marked and flight.may_write_dot(self._timing.lease_s)

        outcome = await warm.session.submit(
            load.envelope, load.mail, before_dot, _ignore, limits=self._limits
        )
        await flight.is_marked()
        return outcome

    async def _mark(self, flight: Flight, warm: Warm, mark: Mark) -> None:
        """Line 5 of the outbox, or 6. An unknown COMMIT counts as no mark: then no
        dot is written, and the result that follows says so."""
        targets = flight.claimed.targets
        accepted = [row.id for row in targets if row.address in mark.accepted]
        flight.refused = bool(mark.refused)
        wanted = marks.Mark(
            actor=self._actor,
            attempt_id=flight.claimed.attempt_id,
            accepted=accepted,
            refused=refusals(mark.refused, targets, split=True),
            timing=self._timing,
            told=self._told_of(flight, warm, mark),
        )
        work = Alike(marks.mark_all, wanted)
        try:
            granted = await landed(self._installation.writer.submit(work))
        except Exception as error:
            log.warning("a mark is not known to be committed: %s", error)
            return
        flight.marked, flight.withdrawn = granted, not granted

    def _told_of(self, flight: Flight, warm: Warm, mark: Mark) -> Told | None:
        refusal = refused_some(mark.refused, warm.session.facts)
        if refusal is None:
            return None
        return told(
            self._installation,
            refusal,
            word=State.FAILED,
            relay=warm.relay,
            provider=warm.provider,
            ms=flight.ms,
        )

    def _was_stale(self, flight: Flight, outcome: Outcome) -> bool:
        found = judge(outcome, flight.claimed.targets, marked=False, warm=True)
        return found.rest == AT_ONCE


def _ignore(step: Step) -> None:
    """The engine reads the outcome; only pages watch the steps."""
