"""MAIL and RCPT for several reverse-paths, each taken back: nothing is sent.

One connection where the relay lets it stand, another where it hung up. What a relay
says only after DATA is not learnt.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from portal.delivery import chain
from portal.delivery.conversation import Session, always, connect
from portal.delivery.tokens import Tokens
from portal.delivery.types import (
    ENGINE,
    Failed,
    Failure,
    Limits,
    Line,
    OnStep,
    Outcome,
    Phase,
    RecipientResult,
    RecipientStatus,
    Relay,
    Reply,
    Stage,
    Status,
    Step,
)
from portal.mail.types import Envelope
from portal.net.types import Net

_MAIL = (Stage.MAIL_FROM, Stage.RCPT_TO, Stage.DATA, Stage.POST_DATA)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the relay said to one envelope. `failure` None: it takes it so far."""

    envelope: Envelope
    failure: Failure | None
    reply: Reply | None  # to the last command it was asked

    @property
    def taken(self) -> bool:
        return self.failure is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Preflight:
    """`outcome` is the connection with the first envelope that was refused, or else
    the last; its transcript is the whole. `asked` ends where the relay was lost."""

    outcome: Outcome
    asked: tuple[Asked, ...]


async def preflight(
    relay: Relay,
    net: Net,
    envelopes: Sequence[Envelope],
    on_step: OnStep,
    *,
    limits: Limits = ENGINE,
    tokens: Tokens | None = None,
) -> Preflight:
    """At least one envelope. The patience of `limits` is for each of them."""
    session: Session | None = None
    ends: list[Outcome] = []
    for envelope in envelopes:
        if session is None or not session.usable:
            made = await connect(relay, net, on_step, limits=limits, tokens=tokens)
            if isinstance(made, Failed):
                ends.append(await _unconnected(made, envelope, relay, net))
                break
            session = made
        ends.append(
            await session.submit(
                envelope,
                b"",
                always,
                on_step,
                limits=limits,
                stop_after=Stage.RCPT_TO,
            )
        )
    if session is not None:
        await session.close()
    asked = tuple(map(_asked, envelopes, ends))
    return Preflight(outcome=_told(ends), asked=asked)


async def _unconnected(
    failed: Failed, envelope: Envelope, relay: Relay, net: Net
) -> Outcome:
    facts = failed.facts
    if chain.is_worth_a_look(failed.failure):
        shown = await chain.look(relay, net, address=facts.address)
        facts = replace(facts, presented=shown)
    return Outcome(
        status=Status.FAILED,
        stage=failed.failure.stage,
        steps=failed.steps,
        recipients=tuple(
            RecipientResult(address=each, status=RecipientStatus.UNTRIED)
            for each in envelope.recipients
        ),
        facts=facts,
        transcript=failed.transcript,
        phase=Phase.BEFORE_DATA,
        failure=failed.failure,
    )


def _asked(envelope: Envelope, end: Outcome) -> Asked:
    replies = [step.reply for step in end.steps if step.reply and step.stage in _MAIL]
    reply = end.failure.reply if end.failure else None
    return Asked(
        envelope=envelope,
        failure=end.failure,
        reply=reply or (replies[-1] if replies else None),
    )


def _told(ends: Sequence[Outcome]) -> Outcome:
    """The first refusal, or the last end, on the ladder of the whole connection."""
    shown = next((end for end in ends if end.failure), ends[-1])
    opening = [step for step in ends[0].steps if step.stage not in _MAIL]
    return replace(
        shown,
        steps=(*_opening(opening, shown), *_of_mail(shown)),
        transcript=_whole(ends),
    )


def _opening(first: list[Step], shown: Outcome) -> list[Step]:
    """A later connection may be the one that failed."""
    own = [step for step in shown.steps if step.stage not in _MAIL]
    return own or first


def _of_mail(shown: Outcome) -> list[Step]:
    return [step for step in shown.steps if step.stage in _MAIL]


def _whole(ends: Sequence[Outcome]) -> tuple[Line, ...]:
    return tuple(line for end in ends for line in end.transcript)
