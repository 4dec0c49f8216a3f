"""The stages of one conversation as they pass, for whoever watches."""

from __future__ import annotations

import time
from collections.abc import Iterable

from portal.delivery.types import (
    Auth,
    Failure,
    OnStep,
    Relay,
    Reply,
    Security,
    Stage,
    Step,
    StepStatus,
)

ORDER = {stage: place for place, stage in enumerate(Stage)}


class Stopped(Exception):
    """The stage after the one we were asked to stop at was reached."""


def stages_of(relay: Relay) -> tuple[Stage, ...]:
    """The stages this relay's settings lead through, to the end."""
    stages = [Stage.DNS, Stage.CONNECT]
    if relay.security is Security.TLS:
        stages.append(Stage.TLS)
    stages += [Stage.BANNER, Stage.EHLO]
    if relay.security is Security.STARTTLS:
        stages.append(Stage.STARTTLS)
    if relay.auth is Auth.OAUTH2:
        stages.append(Stage.OAUTH_TOKEN)
    if relay.auth is not Auth.NONE:
        stages.append(Stage.AUTH)
    return (*stages, *SUBMISSION)


SUBMISSION = (Stage.MAIL_FROM, Stage.RCPT_TO, Stage.DATA, Stage.POST_DATA)


class Ladder:
    """One step a stage. `on_step` hears RUNNING, then OK or FAILED."""

    def __init__(
        self,
        stages: Iterable[Stage],
        on_step: OnStep,
        stop_after: Stage | None = None,
    ) -> None:
        self._stages = tuple(stages)
        self._on_step = on_step
        self._stop_after = stop_after
        self._steps: dict[Stage, Step] = {}
        self._started = 0.0
        self.stage: Stage | None = None  # the one that runs or ran last

    def watch(self, on_step: OnStep, stop_after: Stage | None) -> None:
        """From here on somebody else watches, and says where it is to end."""
        self._on_step = on_step
        self._stop_after = stop_after

    def begin(self, stage: Stage, said: str) -> None:
        """Raises Stopped instead, when the conversation was to end before it."""
        if self.ends_before(stage):
            raise Stopped
        self.stage = stage
        self._started = time.monotonic()
        self._show(Step(stage=stage, status=StepStatus.RUNNING, said=said))

    def ends_before(self, stage: Stage) -> bool:
        stop = self._stop_after
        return stop is not None and ORDER[stage] > ORDER[stop]

    def falls_back(self, stage: Stage) -> None:
        """What just ran shows a trouble of a stage before it: it has not begun yet."""
        if self.stage is not None:
            self._show(Step(stage=self.stage, status=StepStatus.SKIPPED))
        self.stage = stage

    def passed(
        self, said: str, reply: Reply | None = None, detail: str | None = None
    ) -> None:
        self._end(StepStatus.OK, said, reply, detail)

    def failed(self, failure: Failure) -> None:
        self._end(StepStatus.FAILED, failure.words, failure.reply, failure.exception)

    def steps(self) -> tuple[Step, ...]:
        """Every stage; what was not reached is SKIPPED."""
        return tuple(
            self._steps.get(stage, Step(stage=stage, status=StepStatus.SKIPPED))
            for stage in self._stages
        )

    def _end(
        self, status: StepStatus, said: str, reply: Reply | None, detail: str | None
    ) -> None:
        if self.stage is None:
            return
        ms = round((time.monotonic() - self._started) * 1000)
        self._show(
            Step(
                stage=self.stage,
                status=status,
                ms=ms,
                said=said,
                reply=reply,
                detail=detail,
            )
        )

    def _show(self, step: Step) -> None:
        self._steps[step.stage] = step
        self._on_step(step)
