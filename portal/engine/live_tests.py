"""Live tests on the engine's loop: claimed first, their steps written as they come."""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import Executor
from functools import partial

from portal.delivery.conversation import converse
from portal.delivery.ladder import stages_of
from portal.delivery.preflight import Preflight, preflight
from portal.delivery.probe import PROBE
from portal.delivery.types import (
    LIVE_TEST,
    Facts,
    Limits,
    OnStep,
    Outcome,
    Phase,
    Stage,
    Status,
    Step,
    StepStatus,
)
from portal.engine.errands import Errands
from portal.services import testing
from portal.services.installation import Installation
from portal.services.proving import tried
from portal.services.repairs import is_triable
from portal.services.testing import Job, Mending

log = logging.getLogger(__name__)

# A page asks four times a second; more often nobody would see.
BETWEEN_WRITES_S = 0.15
# How soon a wish to stop is noticed while the relay says nothing.
LOOK_S = 0.5


class LiveTests(Errands[Job]):
    """Conversations that somebody watches."""

    at_once = 8
    name = "live test"

    def __init__(
        self,
        installation: Installation,
        owner: str,
        threads: Executor,
        *,
        limits: Limits = LIVE_TEST,
        probe_limits: Limits = PROBE,
    ) -> None:
        super().__init__(threads)
        self._installation = installation
        self._owner = owner
        self._limits = limits
        self._probe_limits = probe_limits

    def _claim(self) -> Job | None:
        return testing.claim(self._installation, self._owner)

    def _tidy(self) -> None:
        testing.tidy(self._installation)

    async def _run(self, job: Job) -> None:
        steps: dict[Stage, Step] = {}
        news = asyncio.Event()

        def on_step(step: Step) -> None:
            steps[step.stage] = step
            news.set()

        talk = asyncio.create_task(self._talk(job, on_step))
        try:
            await self._follow(job, talk, steps, news)
            await asyncio.wait((talk,))
        except asyncio.CancelledError:
            talk.cancel()
            await asyncio.wait((talk,))
        had = _had(talk)
        end = had.outcome if had else _stopped(job, steps)
        asked = had.asked if had else ()
        finish = partial(testing.finish, self._installation, job, end, asked)
        todo = await self._database(finish)
        log.info(
            "live test %s: %s%s by %s:%s",
            job.id,
            end.status,
            f" at {end.stage}" if end.stage else "",
            job.relay.host,
            job.relay.port,
        )
        if todo is not None:
            await self._mend(todo, job)

    async def _talk(self, job: Job, on_step: OnStep) -> Preflight:
        """A whole test is a preflight that asked nothing apart."""
        if job.asking:
            return await preflight(
                job.relay,
                job.net,
                job.asking,
                on_step,
                limits=self._limits,
                tokens=job.tokens,
            )
        outcome = await converse(
            job.relay,
            job.net,
            job.envelope,
            job.content,
            on_step,
            limits=self._limits,
            tokens=job.tokens,
            look=True,
        )
        return Preflight(outcome=outcome, asked=())

    async def _mend(self, todo: Mending, job: Job) -> None:
        """Try what could repair it: what works is offered, what was tried in vain not;
        where there is no time for that, what nobody has tried."""
        found = tuple(each for each in todo.repairs if not is_triable(each))
        try:
            found = await tried(
                todo.repairs, todo.case, job.net, limits=self._probe_limits
            )
        finally:
            await self._database(partial(testing.mended, todo.test_id, found))

    async def _follow(
        self,
        job: Job,
        talk: asyncio.Task[Preflight],
        steps: dict[Stage, Step],
        news: asyncio.Event,
    ) -> None:
        """Write the steps until the conversation ends; cancel it when asked to."""
        while not talk.done():
            waiting = asyncio.ensure_future(news.wait())
            await asyncio.wait(
                (talk, waiting),
                timeout=LOOK_S,
                return_when=asyncio.FIRST_COMPLETED,
            )
            waiting.cancel()
            if talk.done():
                return
            news.clear()
            known = tuple(steps.values())
            if not await self._database(partial(testing.progress, job, known)):
                talk.cancel()
                return
            await asyncio.wait((talk,), timeout=BETWEEN_WRITES_S)


def _had(talk: asyncio.Task[Preflight]) -> Preflight | None:
    """None when it was cancelled, or failed inside of us."""
    if talk.cancelled():
        return None
    error = talk.exception()
    if error is not None:
        log.error("a live test failed inside the portal", exc_info=error)
        return None
    return talk.result()


def _stopped(job: Job, steps: dict[Stage, Step]) -> Outcome:
    """What a test leaves that was stopped: after the dot nobody knows."""
    running = [step for step in steps.values() if step.status is StepStatus.RUNNING]
    stage = running[-1].stage if running else None
    dot = stage is Stage.POST_DATA
    return Outcome(
        status=Status.UNCERTAIN if dot else Status.STOPPED,
        stage=stage,
        steps=tuple(
            steps.get(each, Step(stage=each, status=StepStatus.SKIPPED))
            for each in stages_of(job.relay)
        ),
        recipients=(),
        facts=Facts(),
        transcript=(),
        phase=Phase.DOT if dot else Phase.BEFORE_DATA,
    )
