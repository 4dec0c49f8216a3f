"""A live test as the ladder shows it: a rung a stage, in the words of people."""

from __future__ import annotations

from dataclasses import dataclass

from portal.delivery.granted import EXCEPTION as OURS
from portal.delivery.types import Auth, Security, Stage, Step, StepStatus
from portal.services.senders import SenderFields
from portal.services.testing import PREFLIGHT, TestView
from portal.services.testing.preflight import PASSED

NAMES = {
    Stage.DNS: "Find the host",
    Stage.CONNECT: "Connect",
    Stage.TLS: "Encrypt",
    Stage.BANNER: "Greeting",
    Stage.EHLO: "Introduce ourselves",
    Stage.STARTTLS: "Encrypt",
    Stage.OAUTH_TOKEN: "Fetch a token",
    Stage.AUTH: "Sign in",
    Stage.MAIL_FROM: "Sender address",
    Stage.RCPT_TO: "Recipient",
    Stage.DATA: "Content",
    Stage.POST_DATA: "Final reply",
}
_AT = {
    Stage.DNS: "finding the host",
    Stage.CONNECT: "connecting",
    Stage.TLS: "encrypting",
    Stage.BANNER: "waiting for the greeting",
    Stage.EHLO: "introducing ourselves",
    Stage.STARTTLS: "encrypting",
    Stage.OAUTH_TOKEN: "fetching a token",
    Stage.AUTH: "signing in",
    Stage.MAIL_FROM: "naming the sender",
    Stage.RCPT_TO: "naming the recipient",
    Stage.DATA: "sending the content",
    Stage.POST_DATA: "waiting for the final reply",
}
_STOPPED_AT = {
    Stage.DNS: "the look-up",
    Stage.CONNECT: "the connection",
    Stage.TLS: "the encryption",
    Stage.BANNER: "the greeting",
    Stage.EHLO: "the introduction",
    Stage.STARTTLS: "the encryption",
    Stage.OAUTH_TOKEN: "the token",
    Stage.AUTH: "the sign-in",
    Stage.MAIL_FROM: "the sender address",
    Stage.RCPT_TO: "the recipient",
    Stage.DATA: "the content",
    Stage.POST_DATA: "the final reply",
}
_SPOKEN = {
    "ok": "passed",
    "failed": "failed here",
    "running": "running",
    "skipped": "not reached",
    "pending": "waiting",
    "uncertain": "no answer",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """`state` is one of `data-state`; `spoken` says it to those who cannot see it.
    `ended_here`: what became of the test stands under this rung."""

    stage: str
    name: str
    state: str
    spoken: str
    said: str = ""
    reply: str = ""
    detail: str = ""
    ms: int | None = None
    ended_here: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    rungs: tuple[Rung, ...]
    state: str  # of the badge
    word: str
    progress: str  # while it runs

    @property
    def tells_end(self) -> bool:
        """What became of the test stands under a rung; else it stands below."""
        return any(rung.ended_here for rung in self.rungs)


def ladder(test: TestView) -> Ladder:
    rungs = tuple(
        [_reached(test, step) for step in test.steps if step.stage in _stages(test)]
        + [_not_reached(stage) for stage in _ahead(test)]
    )
    state, word = _verdict(test)
    return Ladder(rungs=rungs, state=state, word=word, progress=_progress(test))


def expected(fields: SenderFields) -> list[Stage]:
    """The stages of a whole conversation with these settings, in order."""
    left_out = set()
    if fields.auth is not Auth.OAUTH2:
        left_out.add(Stage.OAUTH_TOKEN)
    if fields.security is not Security.TLS:
        left_out.add(Stage.TLS)
    if fields.security is not Security.STARTTLS:
        left_out.add(Stage.STARTTLS)
    if fields.auth is Auth.NONE:
        left_out.add(Stage.AUTH)
    return [stage for stage in Stage if stage not in left_out]


def _stages(test: TestView) -> list[Stage]:
    """A preflight has no content to send."""
    if test.kind != PREFLIGHT:
        return list(Stage)
    return [each for each in Stage if each not in (Stage.DATA, Stage.POST_DATA)]


def _ahead(test: TestView) -> list[Stage]:
    """Of a test that goes on, the stages to come; one that is over has named all."""
    if test.is_final:
        return []
    seen = {step.stage for step in test.steps}
    ahead = [stage for stage in expected(test.fields) if stage in _stages(test)]
    return [stage for stage in ahead if stage not in seen]


def _reached(test: TestView, step: Step) -> Rung:
    state = step.status.value
    last = test.is_final and _is_end(test, step)
    if last and test.status == "uncertain":
        state = "uncertain"
    return Rung(
        stage=step.stage.value,
        name=NAMES[step.stage],
        state=state,
        spoken=_SPOKEN[state],
        said=step.said,
        reply=_own_words(step),
        detail=_exception(step) if state == "failed" else "",
        ms=None if step.status is StepStatus.SKIPPED else step.ms,
        ended_here=last,
    )


def _own_words(step: Step) -> str:
    """The relay's reply, where it is not in our sentence already. What it lists
    after EHLO stands in the conversation."""
    if step.reply is None:
        return ""
    first, *rest = str(step.reply).splitlines()
    told = first in step.said and (step.reply.positive or not rest)
    return "" if told else str(step.reply)


def _exception(step: Step) -> str:
    """The name of what a library raised; one of our own tells nobody anything."""
    return "" if step.detail is None or step.detail == OURS else step.detail


def _is_end(test: TestView, step: Step) -> bool:
    if test.status == "sent":
        return step.stage is Stage.POST_DATA
    return step.stage.value == test.stage


def _not_reached(stage: Stage) -> Rung:
    return Rung(
        stage=stage.value,
        name=NAMES[stage],
        state="pending",
        spoken=_SPOKEN["pending"],
    )


def _verdict(test: TestView) -> tuple[str, str]:
    if not test.is_final:
        return "running", _now(test).capitalize()
    if test.status == "sent":
        return ("captured", "Captured") if test.captured else ("sent", "Accepted")
    if test.status == PASSED:
        return "pass", "Would be taken"
    if test.status == "uncertain":
        return "uncertain", "Uncertain"
    if test.status == "stopped":
        return "cancelled", "Stopped"
    if test.stage:
        return "failed", f"Stopped at {_STOPPED_AT[Stage(test.stage)]}"
    return "failed", "Not run"


def _now(test: TestView) -> str:
    if test.state == "stopping":
        return "stopping"
    running = [step for step in test.steps if step.status is StepStatus.RUNNING]
    if running:
        return _AT[running[-1].stage]
    return "running" if test.steps else "starting"


def _progress(test: TestView) -> str:
    total = len([each for each in expected(test.fields) if each in _stages(test)])
    reached = min(max(len(test.steps), 1), total)
    return f"Stage {reached} of {total}: {_now(test)}"
