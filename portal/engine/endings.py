"""How attempts end in the outbox: by the relay's word, by a wish, by our fault."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from portal.delivery.types import (
    Facts,
    Failure,
    FailureKind,
    Outcome,
    Phase,
    Relay,
    Stage,
    Status,
)
from portal.engine.flight import Flight
from portal.engine.lane import LaneState
from portal.engine.recorder import Recorder
from portal.engine.telling import told, word_for
from portal.services.actor import Actor
from portal.services.outbox import marks, results
from portal.services.outbox.classify import INTERNAL, WITHDRAWN, Judgement, judge
from portal.services.outbox.concluding import Lesson, conclude
from portal.services.outbox.states import State
from portal.services.outbox.throttling import asks_for_less, slowed
from portal.services.outbox.timing import Timing
from portal.services.outbox.trouble import is_passing
from portal.services.outbox.verdict import Answer, Ending, Told, Verdict
from portal.store.alike import Alike

log = logging.getLogger(__name__)

_OURS = "An error inside the portal."
Work = Callable[[], object]  # for the writing thread


@dataclass(frozen=True, slots=True, kw_only=True)
class Via:
    """The relay of a conversation, for what is told of it."""

    relay: Relay | None = None
    provider: str | None = None


class Endings:
    """Each is written through the recorder, until its COMMIT is known."""

    def __init__(self, actor: Actor, recorder: Recorder, timing: Timing) -> None:
        self._actor = actor
        self._recorder = recorder
        self._timing = timing

    async def released(self, flight: Flight) -> None:
        """Nothing was sent and nothing is wrong with the mail: line 6."""
        await self._recorder.write(
            partial(marks.release, self._actor, flight.claimed.attempt_id)
        )

    def conclude(
        self, flight: Flight, lane: LaneState, outcome: Outcome, via: Via, *, warm: bool
    ) -> Work | None:
        """Lines 7 to 12: by what the relay said, or did not say.

        What is to be written; the lane has learnt from it already. None: the mark
        was refused, and that wrote the end itself.
        """
        if flight.withdrawn:
            return None
        targets = flight.claimed.targets
        verdict = judge(outcome, targets, marked=flight.marked, warm=warm)
        shown = told(
            self._actor.installation,
            outcome,
            word=word_for(
                verdict, some_refused=bool(flight.refused or verdict.verdicts)
            ),
            relay=via.relay,
            provider=via.provider,
            ms=flight.ms,
        )
        if asks_for_less(outcome, (shown.diagnosis or {}).get("cause")):
            verdict = slowed(verdict)
        pause_s = _taught(lane, verdict)
        _log(flight, shown)
        ending = self._ending(verdict, shown, pause_s)
        lesson = _lesson(flight, lane, verdict)
        if lesson is None:
            return self._record(flight, ending)
        claimed = flight.claimed
        return partial(conclude, self._actor, claimed, ending, lesson, self._timing)

    async def write(self, work: Work | None) -> None:
        if work is not None:
            await self._recorder.write(work)

    async def broken(self, flight: Flight, error: Exception) -> None:
        """An exception instead of an outcome: the mail waits and, unless only the
        database was in trouble, it is counted."""
        words = "The database was in trouble." if is_passing(error) else _OURS
        rest = WITHDRAWN if is_passing(error) else INTERNAL
        await self._without_outcome(flight, rest, words)

    async def abandoned(self, flight: Flight) -> None:
        """We stop, and it had not ended: line 6 before the mark, 12 behind it."""
        if await flight.is_marked():
            await self._without_outcome(flight, WITHDRAWN, "The portal was stopped.")
        else:
            await self.released(flight)

    async def _without_outcome(self, flight: Flight, rest: Verdict, words: str) -> None:
        """With a mark nobody knows whether the dot is out."""
        marked = await flight.is_marked()
        answer = Answer.NONE if marked else Answer.BEFORE
        failure = {"kind": str(FailureKind.INTERNAL), "words": words}
        word = Status.UNCERTAIN if marked else State.DEFERRED
        shown = Told(outcome=word, failure=failure, ms=flight.ms)
        verdict = Judgement(answer=answer, rest=rest)
        await self.write(self._record(flight, self._ending(verdict, shown, None)))

    def _ending(self, verdict: Judgement, shown: Told, pause_s: float | None) -> Ending:
        return Ending(
            answer=verdict.answer,
            rest=verdict.rest,
            verdicts=verdict.verdicts,
            told=shown,
            pause=None if pause_s is None else timedelta(seconds=pause_s),
        )

    def _record(self, flight: Flight, ending: Ending) -> Work:
        attempt_id = flight.claimed.attempt_id
        result = results.Result(self._actor, attempt_id, ending, self._timing)
        return Alike(results.record_all, result)


def unopened(words: str) -> Outcome:
    """We cannot even try: the sender's secret does not open, or its sandbox is not
    here. The mail waits as for any trouble of its sender."""
    failure = Failure(stage=Stage.AUTH, kind=FailureKind.REFUSED_BY_US, words=words)
    return Outcome(
        status=Status.FAILED,
        stage=Stage.AUTH,
        steps=(),
        recipients=(),
        facts=Facts(),
        transcript=(),
        phase=Phase.BEFORE_DATA,
        failure=failure,
    )


def _taught(lane: LaneState, verdict: Judgement) -> float | None:
    """What the lane learns; the pause of the sender if its breaker is open."""
    if verdict.throttled:
        lane.hold()
        return None
    if verdict.sender_trouble:
        return lane.breaker.tripped()
    lane.works()
    if verdict.mail_refused:
        lane.breaker.refused_mail()
    else:
        lane.breaker.took_mail()
    return None


def _lesson(flight: Flight, lane: LaneState, verdict: Judgement) -> Lesson | None:
    """What the sender's standing learns, for all processes."""
    if verdict.throttled:
        return Lesson(throttled=True)
    if verdict.sender_trouble or verdict.mail_refused:
        lane.is_ailing = True
        return Lesson(failed=True, alone=verdict.mail_refused)
    if lane.is_ailing or flight.claimed.is_ailing:
        lane.is_ailing = False
        return Lesson(works=True)
    return None


def _log(flight: Flight, shown: Told) -> None:
    """One line a submission; no addresses, no content."""
    log.info(
        "message %s attempt %d: %s%s by %s, %s, %d ms",
        flight.claimed.public_id,
        flight.claimed.number,
        shown.outcome,
        f" at {shown.stage}" if shown.stage else "",
        shown.relay or "nobody",
        shown.reply["code"] if shown.reply else "no reply",
        shown.ms,
    )
