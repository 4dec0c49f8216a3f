"""Senders that the platform stands in for, tried again: signed in to, given no mail."""

from __future__ import annotations

import asyncio
import logging
from functools import partial

from portal.delivery.conversation import converse
from portal.delivery.types import LIVE_TEST, Limits, Stage, Status, Step
from portal.engine.landing import landed
from portal.engine.reads import Reads
from portal.errors import Fault
from portal.mail.types import Envelope
from portal.services import fallback
from portal.services.actor import Actor
from portal.services.fallback import Trial
from portal.services.outbox.timing import Timing
from portal.services.senders.carrying import Carrier, carrier
from portal.services.senders.kinds import RouteKind

log = logging.getLogger(__name__)

AT_ONCE = 4


class Probing:
    """`look()` takes what is due; each trial is a task of its own."""

    def __init__(
        self,
        actor: Actor,
        reads: Reads,
        *,
        timing: Timing,
        limits: Limits = LIVE_TEST,
    ) -> None:
        self._actor = actor
        self._writer = actor.installation.writer
        self._reads = reads
        self._timing = timing
        self._limits = limits
        self._tasks: set[asyncio.Task[None]] = set()

    async def look(self) -> None:
        while len(self._tasks) < AT_ONCE and await self._reads.run(fallback.is_due):
            work = partial(fallback.take_trial, self._timing)
            trial = await landed(self._writer.submit(work))
            if trial is None:
                return
            task = asyncio.create_task(self._try(trial), name="probe")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        """A trial that is cut off is made again at the next start."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _try(self, trial: Trial) -> None:
        try:
            if await self._lets_us_in(trial):
                work = partial(fallback.hand_back, self._actor, trial)
                await landed(self._writer.submit(work))
                self._actor.installation.bell.ring()
        except Exception:
            log.exception("a sender could not be tried again")

    async def _lets_us_in(self, trial: Trial) -> bool:
        """From the look-up to the answer to MAIL, since that is refused, too, where
        a sender is not allowed; then QUIT."""
        try:
            means = await self._reads.run(partial(self._carrier, trial))
        except Fault as error:
            log.info("a sender cannot be tried again: %s", error.sentence)
            return False
        who = means.identity
        reverse_path = str(who.reverse_path or who.from_.mailbox)
        outcome = await converse(
            means.relay,
            means.net,
            Envelope(reverse_path=reverse_path, recipients=(reverse_path,)),
            b"",
            _ignore,
            limits=self._limits,
            tokens=means.tokens,
            stop_after=Stage.MAIL_FROM,
        )
        log.info(
            "probe %d of a sender that is stood in for: %s",
            trial.number,
            outcome.status,
        )
        return outcome.status is Status.STOPPED

    def _carrier(self, trial: Trial) -> Carrier:
        return carrier(
            self._actor.installation,
            RouteKind.SENDER,
            trial.version_id,
            tenant_id=trial.tenant_id,
        )


def _ignore(step: Step) -> None:
    """Nobody watches a probe."""
